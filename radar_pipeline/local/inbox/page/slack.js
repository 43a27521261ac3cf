// Slack: channels on the left, the messages of one with their threads on the right.

import { empty, h, link, show, when } from "./dom.js";
import { emoji } from "./emoji.js";
import { mrkdwn, plain } from "./mrkdwn.js";

let chosen = null;
let wanted = null;
const seen = new Map();

// A permalink of Slack leads to a message here: #<channel>/p<microseconds>.
export function wantMessage(hash) {
  wanted = /^C[A-Z0-9]+\/p[0-9]+$/.test(hash) ? hash : null;
  if (wanted) chosen = null;
}

export function showSlack(view, again) {
  const threads = Map.groupBy(view.slack.filter((each) => each.thread_ts), (each) => `${each.to}/${each.thread_ts}`);
  const shown = new Set(view.slack.map((each) => `${each.to}/${each.ts}`));
  // A reply whose message is too old to be shown stands for itself.
  const parents = view.slack.filter((each) => !each.thread_ts || !shown.has(`${each.to}/${each.thread_ts}`));
  const target = view.slack.find((each) => each.id === wanted);
  if (target) chosen = target.to;
  chosen ??= parents.at(-1)?.to ?? "#alerts";

  const channels = [...new Set([...view.channels.map((name) => `#${name}`), chosen])].map((name) => {
    const count = view.slack.filter((each) => each.to === name).length;
    if (name === chosen || !seen.has(name)) seen.set(name, count);
    return { name, on: name === chosen, fresh: Math.max(0, count - seen.get(name)) };
  });
  show(document.getElementById("slack-channels"), channels, (each) => each.name, (each) =>
    h(
      "button",
      {
        type: "button",
        class: each.fresh ? "fresh" : "",
        "aria-current": each.on,
        onclick: () => {
          chosen = each.name;
          wanted = null;
          again();
        },
      },
      h("span", {}, each.name.replace("#", "# ")),
      each.fresh ? h("span", { class: "count" }, each.fresh) : null,
    ),
  );

  document.getElementById("slack-title").textContent = chosen;
  const list = document.getElementById("slack-messages");
  const atEnd = list.dataset.channel !== chosen || list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.dataset.channel = chosen;
  const items = parents
    .filter((each) => each.to === chosen)
    .map((each) => ({ ...each, replies: threads.get(`${each.to}/${each.ts}`) ?? [] }));
  show(list, items.length ? items : [{ id: "nothing" }], (each) => each.id, (each) =>
    each.id === "nothing"
      ? empty(`Nothing in ${chosen} yet`, "Send a message through every channel: ", h("code", {}, "radar alerts test"))
      : message(each),
  );
  if (target) {
    const node = document.getElementById(wanted);
    node?.scrollIntoView({ block: "center" });
    node?.classList.add("wanted");
    wanted = null;
  } else if (atEnd) list.scrollTop = list.scrollHeight;
}

function message(item) {
  const body = item.blocks.length ? item.blocks.map(block) : [h("div", { class: "text" }, mrkdwn(item.text))];
  return h(
    "article",
    { class: "message", id: item.id },
    h("div", { class: "avatar", "aria-hidden": "true" }),
    h(
      "div",
      { class: "said" },
      h("p", { class: "who" }, h("b", {}, item.username ?? "radar"), h("span", { class: "app" }, "APP"), when(item.at)),
      body,
      (item.attachments ?? []).map(attachment),
      item.edited ? h("span", { class: "edited" }, "(edited)") : null,
      item.reactions?.length
        ? h("p", { class: "reactions" }, item.reactions.map((each) => h("span", { title: `:${each.name}:` }, emoji(each.name), " ", each.count)))
        : null,
      item.replies?.length
        ? h("div", { class: "thread" }, h("p", { class: "replies" }, `${item.replies.length} ${item.replies.length > 1 ? "replies" : "reply"}`), item.replies.map(message))
        : null,
    ),
  );
}

const BLOCKS = {
  header: (each) => h("h3", {}, plain(each.text.text)),
  divider: () => h("hr"),
  section: (each) =>
    h(
      "div",
      { class: "section" },
      h(
        "div",
        { class: "text" },
        each.text ? textOf(each.text) : null,
        each.fields?.length ? h("div", { class: "fields" }, each.fields.map((field) => h("div", {}, textOf(field)))) : null,
      ),
      each.accessory ? element(each.accessory) : null,
    ),
  context: (each) => h("div", { class: "context" }, each.elements.map((part) => (part.type === "image" ? picture(part) : h("span", {}, textOf(part))))),
  actions: (each) => h("div", { class: "actions" }, each.elements.map(element)),
  image: (each) => h("div", { class: "text" }, picture(each)),
  markdown: (each) => h("div", { class: "text" }, mrkdwn(each.text.replace(/\*\*/g, "*"))),
  rich_text: (each) => h("div", { class: "text" }, each.elements.map(rich)),
};

function block(each) {
  return (BLOCKS[each.type] ?? (() => h("p", { class: "unknown" }, `[${each.type}]`)))(each);
}

function textOf(object) {
  return object.type === "mrkdwn" ? mrkdwn(object.text) : plain(object.text);
}

function element(each) {
  if (each.type === "image") return picture(each);
  const label = plain(each.text?.text ?? each.type);
  return each.url ? link(each.url, label, { class: `button ${each.style ?? ""}` }) : h("span", { class: `button ${each.style ?? ""}` }, label);
}

// Pictures would be fetched from elsewhere, which this page does not do.
function picture(each) {
  return link(each.image_url ?? "", `[picture: ${each.alt_text}]`);
}

function rich(each) {
  if (each.type === "rich_text_list") return h("ul", {}, each.elements.map((item) => h("li", {}, rich(item))));
  if (each.type === "rich_text_preformatted") return h("pre", {}, each.elements.map(rich));
  if (each.type === "rich_text_quote") return h("blockquote", {}, each.elements.map(rich));
  if (each.type === "rich_text_section") return h("span", {}, each.elements.map(rich));
  if (each.type === "link") return link(each.url, each.text ?? each.url);
  if (each.type === "emoji") return emoji(each.name);
  const tag = each.style?.code ? "code" : each.style?.bold ? "b" : each.style?.italic ? "i" : "span";
  return h(tag, {}, each.text ?? "");
}

function attachment(each) {
  const node = h(
    "div",
    { class: "attachment" },
    each.pretext ? h("div", { class: "text" }, mrkdwn(each.pretext)) : null,
    each.title ? h("p", {}, h("b", {}, each.title_link ? link(each.title_link, plain(each.title)) : plain(each.title))) : null,
    each.text ? h("div", { class: "text" }, mrkdwn(each.text)) : null,
    each.fields?.length ? h("div", { class: "fields" }, each.fields.map((field) => h("div", {}, h("b", {}, plain(field.title ?? "")), h("br"), mrkdwn(String(field.value ?? ""))))) : null,
    (each.blocks ?? []).map(block),
    each.footer ? h("div", { class: "context" }, plain(each.footer)) : null,
  );
  if (/^#?[0-9a-fA-F]{6}$/.test(each.color ?? "")) node.style.borderLeftColor = `#${each.color.replace("#", "")}`;
  else if (["good", "warning", "danger"].includes(each.color)) node.classList.add(each.color);
  return node;
}
