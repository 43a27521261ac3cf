// Emoji by Slack's names. Those that alerts use are drawn, because a machine without a font for them shows boxes.

import { h } from "./dom.js";

const NAMES = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", rotating_light: "🚨", fire: "🔥", sos: "🆘",
  red_circle: "🔴", large_orange_circle: "🟠", large_yellow_circle: "🟡", large_green_circle: "🟢", large_blue_circle: "🔵",
  white_circle: "⚪", black_circle: "⚫", information_source: "ℹ️", eyes: "👀", bell: "🔔", no_bell: "🔕", mute: "🔇",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉",
  bar_chart: "📊", boom: "💥", tada: "🎉", telephone_receiver: "📞", pager: "📟", link: "🔗", mag: "🔍", book: "📖",
  repeat: "🔁", arrows_counterclockwise: "🔄", memo: "📝", calendar: "📅", octagonal_sign: "🛑", construction: "🚧",
  wrench: "🔧", question: "❓", exclamation: "❗", bangbang: "‼️", "+1": "👍", thumbsup: "👍", satellite: "🛰️",
  satellite_antenna: "📡", green_heart: "💚", clipboard: "📋", package: "📦", lock: "🔒", speech_balloon: "💬",
};

const disc = (colour, edge = colour) => `<circle cx='10' cy='10' r='8' fill='${colour}' stroke='${edge}'/>`;
const stroke = (path, colour = "#fff") => `<path d='${path}' fill='none' stroke='${colour}' stroke-width='2.4' stroke-linecap='round' stroke-linejoin='round'/>`;
const square = (colour) => `<rect x='1.5' y='1.5' width='17' height='17' rx='4' fill='${colour}'/>`;
const BELL = "<path d='M10 2a5 5 0 0 1 5 5c0 5 2 6 2 7H3c0-1 2-2 2-7a5 5 0 0 1 5-5zM8 15.5h4a2 2 0 0 1-4 0z' fill='#e0a316'/>";
const ROUND = "M4 11a6 6 0 0 1 10-5l2 2M16 4v4h-4M16 9a6 6 0 0 1-10 5l-2-2M4 16v-4h4";
const DRAWN = {
  "✅": square("#2b9a5b") + stroke("M5.5 10.5l3 3 6-7"),
  "✔": stroke("M4 11l4 4 8-10", "#2b9a5b"),
  "❌": stroke("M4.5 4.5l11 11M15.5 4.5l-11 11", "#d0342c"),
  "⚠": "<path d='M10 2L19 18H1z' fill='#f2b824' stroke='#c98f0a' stroke-linejoin='round'/>" + stroke("M10 8v4.5M10 15.3v.2", "#3d2c00"),
  "🚨": "<path d='M4 15V10a6 6 0 0 1 12 0v5z' fill='#d0342c'/><rect x='2' y='15' width='16' height='3.4' rx='1' fill='#5b6472'/>" + stroke("M7.5 10a2.5 2.5 0 0 1 2-2.5", "#ffb3ae"),
  "🔴": disc("#d0342c"), "🟠": disc("#ee8a1d"), "🟡": disc("#f2c01d"), "🟢": disc("#2b9a5b"), "🔵": disc("#2b78c5"),
  "⚪": disc("#fff", "#999"), "⚫": disc("#222"),
  "ℹ": square("#2b78c5") + stroke("M10 9v5.5M10 5.6v.2"),
  "🔁": square("#2b78c5") + stroke(ROUND),
  "🔄": square("#2b78c5") + stroke(ROUND),
  "🔔": BELL,
  "🔕": BELL + stroke("M3 3l14 14", "#d0342c"),
  "⏳": stroke("M5 3h10M5 17h10M6 3c0 5 8 9 8 14M14 3c0 5-8 9-8 14", "#a8741a"),
  "⌛": stroke("M5 3h10M5 17h10M6 3c0 5 8 9 8 14M14 3c0 5-8 9-8 14", "#a8741a"),
  "👀": "<ellipse cx='6' cy='10' rx='4' ry='6' fill='#fff' stroke='#777'/><ellipse cx='14' cy='10' rx='4' ry='6' fill='#fff' stroke='#777'/><circle cx='5' cy='11' r='2'/><circle cx='13' cy='11' r='2'/>",
  "🛑": "<path d='M6 1.5h8L18.500 6v8L14 18.500H6L1.500 14V6z' fill='#d0342c'/>",
};
const PICTURE = new RegExp(`(?:${Object.keys(DRAWN).join("|")})\uFE0F?`, "gu");

// A name of Slack's as an emoji; the name in colons where it is not known.
export function emoji(name) {
  return pictured(NAMES[name] ?? `:${name}:`);
}

// A text with its emoji and `:names:` of emoji.
export function withEmoji(text) {
  return pictured(text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => NAMES[name] ?? whole));
}

function pictured(text) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(PICTURE)) {
    nodes.push(text.slice(end, found.index), picture(found[0].replace("\uFE0F", "")));
    end = found.index + found[0].length;
  }
  nodes.push(text.slice(end));
  return nodes;
}

function picture(character) {
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 20 20'>${DRAWN[character]}</svg>`;
  return h("img", { class: "emoji", src: `data:image/svg+xml,${encodeURIComponent(svg)}`, alt: character });
}
