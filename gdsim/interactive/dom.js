// Elements: made from a description, and changed to match a newer one without losing focus or what is being typed.

/**
 * Return an element with attributes and children.
 *
 * An attribute that is null, undefined or false is left out; one that begins with `--` is a custom property.
 */
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("--")) made.style.setProperty(name, value);
    else if (name === "value") made.value = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child || child === 0));
  if ("value" in attributes) made.value = attributes.value;  // a select has its options now
  return made;
}

/** Attributes of a field for text that is code, not prose. */
export const CODE = { type: "text", autocomplete: "off", spellcheck: "false" };

const kept = (node) => node.dataset?.key ?? null;

/** Change a node to match a fresh one; an input that is being changed keeps its value, and details stay open. */
export function morph(node, fresh) {
  if (node.nodeName !== fresh.nodeName || kept(node) !== kept(fresh)) return node.replaceWith(fresh);
  if (node.nodeType === Node.TEXT_NODE) {
    if (node.data !== fresh.data) node.data = fresh.data;
    return;
  }
  for (const { name } of [...node.attributes]) {
    const stays = name === "style" || name === "data-changing" || (name === "open" && node.nodeName === "DETAILS");
    if (!stays && !fresh.hasAttribute(name)) node.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (name !== "style" && node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  if (node.style && node.style.cssText !== fresh.style.cssText) node.style.cssText = fresh.style.cssText;
  morphChildren(node, fresh);
  if ("value" in node && "changing" in node.dataset === false && node.value !== fresh.value) node.value = fresh.value;
  if (node.type === "checkbox") node.checked = fresh.checked;
}

/** Match the children of a node with those of a fresh one: those with a key by it, others by their order. */
export function morphChildren(node, fresh) {
  const keyed = new Map([...node.children].filter((child) => kept(child)).map((child) => [kept(child), child]));
  const wanted = [...fresh.childNodes];
  wanted.forEach((child, i) => {
    const same = kept(child) ? keyed.get(kept(child)) : null;
    if (same && node.childNodes[i] !== same) node.insertBefore(same, node.childNodes[i] ?? null);
    if (node.childNodes[i]) morph(node.childNodes[i], child);
    else node.append(child);
  });
  while (node.childNodes.length > wanted.length) node.lastChild.remove();
}

/** Show a dialog in an element until it is closed; resolves to what it was closed with. */
export function shown(root, dialog) {
  root.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}

/** Return a button with an icon; its label is said and shown as a tip, or with `text` is beside the icon. */
export function iconButton(name, label, { text = false, ...attributes } = {}) {
  const said = text ? {} : { "aria-label": label, title: label };
  const words = text && h("span", {}, label);
  return h("button", { type: "button", class: text ? "button" : "icon", ...said, ...attributes }, icon(name), words);
}

const PATHS = {
  undo: "M7 4 3 8l4 4M3.5 8H12a4.5 4.5 0 0 1 0 9H8",
  redo: "m13 4 4 4-4 4m3.5-4H8a4.5 4.5 0 0 0 0 9h4",
  save: "M4 3h9l4 4v10H3V4a1 1 0 0 1 1-1zm2 0v5h7V3M6 17v-5h8v5",
  export: "M10 3v10m-4-4 4 4 4-4M3.5 16.5h13",
  link: "M8.5 11.5a3.5 3.5 0 0 0 5 0l3-3a3.5 3.5 0 0 0-5-5l-1 1m1 4a3.5 3.5 0 0 0-5 0l-3 3a3.5 3.5 0 0 0 5 5l1-1",
  code: "m7 5-5 5 5 5m6-10 5 5-5 5",
  add: "M10 4v12M4 10h12",
  remove: "M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.7 11h7.6l.7-11",
  copy: "M7 7h10v10H7zM13 7V3H3v10h4",
  shown: "M2 10s3-5.5 8-5.5 8 5.5 8 5.5-3 5.5-8 5.5S2 10 2 10zm8-2.3a2.3 2.3 0 1 0 0 4.6 2.3 2.3 0 0 0 0-4.6z",
  hidden: "M3 3l14 14M8 4.8q1-.3 2-.3c5 0 8 5.5 8 5.5s-.8 1.5-2.3 2.9m-2.4 1.8q-1.5.8-3.3.8c-5 0-8-5.5-8-5.5s1.2-2.2 3.4-3.8",
  reset: "M5 5l10 10M15 5 5 15",
  help: "M7.5 7.5a2.5 2.5 0 1 1 3.7 2.2q-1.2.7-1.2 2M10 14.5v.5",
  open: "M3 16V4h5l2 2h7v10z",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
