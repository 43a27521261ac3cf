// E-mail: a list, newest first, and the letter that is open.

import { empty, h, show, when } from "./dom.js";

let chosen = null;
let asText = false;

export function showMail(view, again) {
  const mails = view.smtp.toReversed();
  const open = mails.find((each) => each.id === chosen) ?? mails[0];
  const items = mails.map((each) => ({ ...each, on: each === open, text: each.text.slice(0, 140) }));
  show(document.getElementById("mail-list"), items.length ? items : [{ id: "nothing" }], (each) => each.id, (each) =>
    each.id === "nothing"
      ? empty("No mail", "An ERROR alert is mailed to the list. Try ", h("code", {}, "radar alerts test"))
      : row(each, () => {
          chosen = each.id;
          again();
        }),
  );
  show(document.getElementById("mail-reader"), open ? [{ ...open, asText }] : [], (each) => each.id, (each) =>
    letter(each, () => {
      asText = !asText;
      again();
    }),
  );
}

function row(item, choose) {
  return h(
    "button",
    { type: "button", class: "row", "aria-current": item.on, onclick: choose },
    h("span", { class: "from" }, item.headers.From ?? item.from),
    when(item.at),
    h("b", {}, item.subject || "(no subject)"),
    h("span", { class: "begin" }, item.text.replace(/\s+/g, " ")),
  );
}

function letter(item, turn) {
  const html = item.html && !item.asText;
  return h(
    "article",
    { class: "letter" },
    h("h3", {}, item.subject || "(no subject)"),
    h("dl", {}, h("dt", {}, "From"), h("dd", {}, item.headers.From ?? item.from), h("dt", {}, "To"), h("dd", {}, item.to.join(", ")), h("dt", {}, "Date"), h("dd", {}, when(item.at), item.tls ? h("span", { class: "tls" }, "over TLS") : null)),
    item.html && item.text ? h("button", { type: "button", onclick: turn }, html ? "Show the text" : "Show the HTML") : null,
    // No script, no form, no origin: what a mail says cannot reach this page. Its links open beside it.
    html
      ? h("iframe", { src: `/mail/${item.id}`, title: "the letter", sandbox: "allow-popups allow-popups-to-escape-sandbox" })
      : h("pre", {}, item.text),
  );
}
