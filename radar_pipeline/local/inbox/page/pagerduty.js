// PagerDuty: incidents, open ones first, with buttons that do what a person on call does.

import { empty, h, link, show, when } from "./dom.js";

const RANK = { triggered: 0, acknowledged: 1, resolved: 2 };

export function openIncidents(view) {
  return view.incidents.filter((each) => each.status !== "resolved").length;
}

export function showIncidents(view, again) {
  const items = view.incidents.toSorted((one, other) => RANK[one.status] - RANK[other.status] || other.number - one.number);
  show(document.getElementById("incidents"), items.length ? items : [{ id: "nothing" }], (each) => each.id, (each) =>
    each.id === "nothing"
      ? empty("No incident", "A CRITICAL alert opens one here. Try ", h("code", {}, "radar alerts test"))
      : incident(each, again),
  );
}

function incident(item, again) {
  const { payload } = item;
  const set = (status) => async (event) => {
    event.target.disabled = true;
    await fetch(`/api/incidents/${encodeURIComponent(item.id)}/${status}`, { method: "POST" });
    again();
  };
  const facts = [
    ["Severity", h("span", { class: `severity ${payload.severity}` }, payload.severity)],
    ["Source", payload.source],
    ["Component", payload.component],
    ["Group", payload.group],
    ["Class", payload.class],
    ["Key", h("code", {}, item.dedup_key)],
  ].filter(([, value]) => value);
  const links = (item.links ?? []).map((each) => link(each.href, each.text ?? each.href));
  if (item.client_url) links.push(link(item.client_url, item.client ?? item.client_url));
  return h(
    "article",
    { class: `incident ${item.status}`, id: item.id },
    h(
      "header",
      {},
      h("span", { class: "status" }, item.status),
      h("span", { class: "number" }, `#${item.number}`),
      when(item.created_at),
      h("span", { class: "grow" }),
      item.status === "triggered" ? h("button", { type: "button", class: "primary", onclick: set("acknowledged") }, "Acknowledge") : null,
      item.status !== "resolved" ? h("button", { type: "button", onclick: set("resolved") }, "Resolve") : null,
    ),
    h("h3", {}, payload.summary),
    links.length ? h("p", { class: "links" }, links) : null,
    h("dl", {}, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    payload.custom_details ? details(payload.custom_details) : null,
    h(
      "ol",
      { class: "log" },
      item.log.map((line) => h("li", {}, when(line.at), " ", line.action, " by ", line.by)),
    ),
  );
}

function details(value) {
  if (typeof value !== "object") return h("p", {}, String(value));
  return h(
    "table",
    {},
    Object.entries(value).map(([name, each]) => h("tr", {}, h("th", {}, name), h("td", {}, written(each)))),
  );
}

function written(value) {
  if (Array.isArray(value)) return value.length ? h("ul", {}, value.map((each) => h("li", {}, written(each)))) : "none";
  if (value && typeof value === "object") return details(value);
  return String(value);
}
