// Building and updating the page. Whatever came by a channel goes in as text, never as markup.

export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== ""));
  return node;
}

// Only addresses that a browser opens as pages or letters; `javascript:` and its kin stay text.
export function link(address, label, attributes = {}) {
  let target = null;
  try {
    target = new URL(address);
  } catch {
    target = null;
  }
  const fits = target && ["http:", "https:", "mailto:"].includes(target.protocol);
  if (!fits) return h("span", attributes, label);
  return h("a", { ...attributes, href: target.href, target: "_blank", rel: "noopener noreferrer", title: target.href }, label);
}

// Brings a container's children to `items` in their order and leaves every child alone whose item did not change,
// so that a reader keeps place, selection and open frames.
export function show(container, items, key, render) {
  const known = new Map([...container.children].map((child) => [child.dataset.key, child]));
  let before = null;
  for (const item of items) {
    const name = String(key(item));
    const content = JSON.stringify(item);
    let node = known.get(name);
    if (!node || node.shownContent !== content) {
      const fresh = render(item);
      fresh.dataset.key = name;
      fresh.shownContent = content;
      if (node) node.replaceWith(fresh);
      node = fresh;
    }
    known.delete(name);
    const place = before ? before.nextSibling : container.firstChild;
    if (place !== node) container.insertBefore(node, place);
    before = node;
  }
  for (const gone of known.values()) gone.remove();
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });

export function when(iso) {
  const moment = new Date(iso);
  const today = moment.toDateString() === new Date().toDateString();
  const text = today ? clock.format(moment) : `${day.format(moment)}, ${clock.format(moment)}`;
  return h("time", { datetime: iso, title: `${iso.replace("T", " ").slice(0, 19)} UTC` }, text);
}

export function empty(title, ...hint) {
  return h("div", { class: "nothing" }, h("strong", {}, title), h("p", {}, ...hint));
}
