// Slack's own markup, as nodes.

import { h, link } from "./dom.js";
import { withEmoji } from "./emoji.js";

const INLINE = new RegExp(
  [
    /<([^<>\n]+)>/,
    /`([^`\n]+)`/,
    /(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])/,
    /(?<![\w_])_(\S(?:[^_\n]*\S)?)_(?![\w_])/,
    /(?<![\w~])~(\S(?:[^~\n]*\S)?)~(?![\w~])/,
  ]
    .map((each) => each.source)
    .join("|"),
  "g",
);

export function plain(text) {
  return withEmoji(decoded(text));
}

export function mrkdwn(text) {
  const nodes = [];
  text.split("```").forEach((part, index) => {
    if (index % 2) nodes.push(h("pre", {}, decoded(part).replace(/^\n|\n$/g, "")));
    else nodes.push(...quoted(part));
  });
  return nodes;
}

function quoted(text) {
  const nodes = [];
  let quote = [];
  const close = () => {
    if (quote.length) nodes.push(h("blockquote", {}, lines(quote)));
    quote = [];
  };
  let open = [];
  const flush = () => {
    if (open.length) nodes.push(...lines(open));
    open = [];
  };
  for (const line of text.split("\n")) {
    const found = /^(?:>|&gt;) ?(.*)$/.exec(line);
    if (found) {
      flush();
      quote.push(found[1]);
    } else {
      close();
      open.push(line);
    }
  }
  close();
  flush();
  return nodes;
}

function lines(texts) {
  return texts.flatMap((text, index) => (index ? [h("br"), ...inline(text)] : inline(text)));
}

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    nodes.push(plain(text.slice(end, found.index)));
    end = found.index + found[0].length;
    const [, angle, code, bold, italic, struck] = found;
    if (angle !== undefined) nodes.push(reference(angle));
    else if (code !== undefined) nodes.push(h("code", {}, decoded(code)));
    else if (bold !== undefined) nodes.push(h("b", {}, inline(bold)));
    else if (italic !== undefined) nodes.push(h("i", {}, inline(italic)));
    else nodes.push(h("s", {}, inline(struck)));
  }
  nodes.push(plain(text.slice(end)));
  return nodes;
}

function reference(text) {
  const [target, label] = text.split("|", 2);
  if (target.startsWith("!date^")) return moment(target, label);
  if (/^[!@#]/.test(target)) return h("span", { class: "mention" }, decoded(label ?? target.replace(/^!|\^.*$/g, "@").replace("@@", "@")));
  return link(decoded(target), decoded(label ?? target));
}

function moment(target, label) {
  const [, seconds, format] = target.split("^");
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return decoded(label ?? "");
  const day = date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
  const time = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return h("time", { title: date.toISOString() }, format.replace(/\{date[a-z_]*\}/g, day).replace(/\{time[a-z_]*\}/g, time));
}

function decoded(text) {
  return text.replace(/&(lt|gt|amp);/g, (_, name) => ({ lt: "<", gt: ">", amp: "&" })[name]);
}
