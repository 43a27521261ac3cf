// Asks the inbox every second whether something changed, and shows what did.

import { h } from "./dom.js";
import { showMail } from "./mail.js";
import { openIncidents, showIncidents } from "./pagerduty.js";
import { showSlack, wantMessage } from "./slack.js";
import { showPhones } from "./sms.js";

const EVERY = 1000;
let view = { version: "", slack: [], smtp: [], sns: [], incidents: [], channels: [], faults: [] };
let timer = null;

// Where there is room for two, Slack is always there and one of the others beside it.
const wide = matchMedia("(min-width: 1100px)");

function tab(name) {
  const open = wide.matches && name === "slack" ? (document.body.dataset.tab ?? "pagerduty") : name;
  document.body.dataset.tab = open === "slack" && wide.matches ? "pagerduty" : open;
  for (const each of document.querySelectorAll("nav [data-tab]")) {
    each.setAttribute("aria-selected", each.dataset.tab === document.body.dataset.tab);
  }
}

function render() {
  showSlack(view, render);
  showIncidents(view, ask);
  showMail(view, render);
  showPhones(view);
  const counts = { slack: view.slack.length, pagerduty: openIncidents(view), mail: view.smtp.length, sms: view.sns.length };
  for (const [name, count] of Object.entries(counts)) {
    const badge = document.querySelector(`nav [data-tab="${name}"] .count`);
    badge.textContent = count || "";
    badge.classList.toggle("urgent", name === "pagerduty" && count > 0);
  }
  document.title = counts.pagerduty ? `(${counts.pagerduty}) Radar inbox` : "Radar inbox";
  const faults = document.getElementById("faults");
  faults.hidden = !view.faults.length;
  faults.replaceChildren(
    h("b", {}, "Failing on purpose: "),
    view.faults.map((each) => each.name).join(", "),
    ". Until ",
    h("code", {}, "radar local fault --clear"),
  );
}

async function ask() {
  clearTimeout(timer);
  const state = document.getElementById("state");
  try {
    const answer = await (await fetch(`/api/view?known=${view.version}`)).json();
    if (answer.changed) {
      view = answer;
      render();
    }
    state.textContent = "live";
    state.className = "live";
  } catch {
    state.textContent = "the inbox does not answer";
    state.className = "away";
  }
  timer = setTimeout(ask, EVERY);
}

function follow() {
  const hash = decodeURIComponent(location.hash.slice(1));
  if (hash.startsWith("Q")) {
    tab("pagerduty");
    document.getElementById(hash)?.scrollIntoView();
  } else if (hash) {
    wantMessage(hash);
    tab("slack");
    render();
  }
}

for (const each of document.querySelectorAll("nav [data-tab]")) each.addEventListener("click", () => tab(each.dataset.tab));
document.getElementById("empty").addEventListener("click", async () => {
  if (!confirm("Delete every message and incident of this inbox?")) return;
  await fetch("/api/messages", { method: "DELETE" });
  ask();
});
addEventListener("hashchange", follow);
// A hidden page is woken seldom by browsers; it catches up at once when it is looked at.
document.addEventListener("visibilitychange", () => document.hidden || ask());

wide.addEventListener("change", () => tab(document.body.dataset.tab));
tab("slack");
await ask();
follow();
