// SMS: one telephone for each number, newest message at the end.

import { empty, h, show, when } from "./dom.js";

const GSM = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà^{}\\[~\]|€]*$/;

export function showPhones(view) {
  const numbers = Map.groupBy(view.sns, (each) => each.to);
  const items = [...numbers].map(([number, messages]) => ({ id: number, messages }));
  show(document.getElementById("phones"), items.length ? items : [{ id: "nothing" }], (each) => each.id, (each) =>
    each.id === "nothing"
      ? empty("No text message", "An EMERGENCY is sent to the telephone of whoever is on call. Try ", h("code", {}, "radar alerts test"))
      : phone(each),
  );
}

function phone(item) {
  const bubbles = h(
    "div",
    { class: "bubbles" },
    item.messages.map((each) => [
      h("p", { class: "time" }, when(each.at)),
      h("p", { class: "bubble" }, each.subject ? h("b", {}, each.subject, h("br")) : null, each.text),
      h("p", { class: "parts" }, size(each.text)),
    ]),
  );
  requestAnimationFrame(() => (bubbles.scrollTop = bubbles.scrollHeight));
  return h("div", { class: "phone" }, h("p", { class: "number" }, item.id), bubbles);
}

// A text message holds 160 characters of the GSM alphabet or 70 of any; parts of a longer one hold 153 or 67.
function size(text) {
  const gsm = GSM.test(text);
  const length = gsm ? [...text].reduce((sum, each) => sum + ("^{}\\[~]|€".includes(each) ? 2 : 1), 0) : text.length;
  const [whole, part] = gsm ? [160, 153] : [70, 67];
  const parts = length <= whole ? 1 : Math.ceil(length / part);
  return `${length} characters, ${parts} part${parts > 1 ? "s" : ""}`;
}
