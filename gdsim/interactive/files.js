// The bar: undo and redo, opening links, saving, exporting and copying a link.

import { CODE, h, iconButton, shown } from "./dom.js";
import { packed, unpacked } from "./store.js";

/** What formats are called, the most used first. */
const NAMES = {
  gif: "GIF animation", mp4: "MP4 video", png: "PNG picture", html: "HTML page", pptx: "PowerPoint slide",
  svg: "SVG picture", pdf: "PDF picture", webm: "WebM video", webp: "WebP animation", apng: "PNG animation",
};

export function createBar(root, studio, keys) {
  const name = h("p", { class: "file" }), status = h("p", { class: "status", role: "status" });
  const undo = iconButton("undo", "Undo", { title: "Undo (Ctrl+Z)" });
  const redo = iconButton("redo", "Redo", { title: "Redo (Ctrl+Shift+Z)" });
  const yaml = iconButton("code", "YAML", { text: true, "aria-pressed": "true" });
  const open = iconButton("open", "Open a link", { "data-needs": "address" });
  const link = iconButton("link", "Copy a link to this config", { "data-needs": "address" });
  const exports = iconButton("export", "Export", { text: true });
  const save = iconButton("save", "Save", { text: true, class: "button main" });
  const tools = h("div", { class: "tools", role: "toolbar", "aria-label": "File" },
    undo, redo, yaml, open, link, exports, save);
  root.replaceChildren(h("h1", {}, "gdsim studio"), name, tools, status);
  let clearing = 0;
  studio.on("notice", (words, seconds) => {
    clearTimeout(clearing);
    status.textContent = words;
    if (seconds < Infinity) clearing = setTimeout(() => { status.textContent = ""; }, 1000 * seconds);
  });
  studio.on("state", ({ mistakes: [first, ...others] }) => {
    yaml.lastChild.textContent = first ? `YAML: ${1 + others.length} wrong` : "YAML";
    yaml.classList.toggle("wrong", Boolean(first));
    if (first && yaml.getAttribute("aria-pressed") === "false") studio.say(`Line ${first.line}: ${first.message}`);
  });
  const show = () => {
    const changed = studio.text !== studio.saved;
    undo.disabled = !studio.canUndo;
    redo.disabled = !studio.canRedo;
    name.textContent = `${studio.file ?? "new config"}${changed ? " · not saved" : ""}`;
  };
  for (const type of ["history", "hello"]) studio.on(type, show);
  undo.addEventListener("click", () => studio.undo());
  redo.addEventListener("click", () => studio.redo());
  yaml.addEventListener("click", () => {
    const shown = yaml.getAttribute("aria-pressed") !== "true";
    yaml.setAttribute("aria-pressed", shown);
    root.parentElement.classList.toggle("without-source", !shown);
  });
  link.addEventListener("click", () => copyLink(studio));
  open.addEventListener("click", () => openLink(studio));
  save.addEventListener("click", () => new Saving(studio).ask());
  exports.addEventListener("click", () => exporting.showModal());
  const exporting = createExports(studio);
  studio.root.append(exporting);
  keys.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase(), action = { z: event.shiftKey ? redo : undo, y: redo, s: save }[key];
    if (!action || studio.root.querySelector("dialog[open]")) return;
    const typing = document.activeElement.matches("[data-changing]:not(.formula)");
    if (typing && action !== save) return;  // the browser undoes what is being typed
    event.preventDefault();
    if (typing) document.activeElement.blur();
    action.click();
  });
}

async function copyLink(studio) {
  const address = `${location.origin}/#${await packed(studio.text)}`;
  try {
    await navigator.clipboard.writeText(address);
    studio.say("The link is copied. Opened in a studio, it shows this config.");
  } catch {
    ask(studio, { title: "A link to this config", label: "Link", value: address, button: "Done" });
  }
}

async function openLink(studio) {
  const link = await ask(studio, { title: "Open a link", label: "Link from another studio", button: "Open" });
  if (link) await loadLink(studio, link);
}

/** Show the config that a link holds. Its author is unknown, so it runs no code. */
export async function loadLink(studio, link) {
  const text = await unpacked(link).catch(() => null);
  if (text === null) return studio.say("This is not a link to a config.");
  studio.runsCode = false;
  studio.setText(text);
  return studio.say("The config of the link is open. It may not run Python code.");
}

/** Ask for one line of text, or without a label for consent; resolves to the text, to true, or to null. */
async function ask(studio, { title, label, value = "", button, hint }) {
  const field = h("input", { ...CODE, value, id: "asked" });
  const dialog = h("dialog", { "aria-label": title },
    h("form", { method: "dialog" },
      h("h2", {}, title),
      label && [h("label", { for: "asked" }, label), field],
      hint && h("p", { class: "quiet" }, hint),
      h("div", { class: "buttons" },
        h("button", { type: "button", class: "button" }, "Cancel"),
        h("button", { class: "button main", value: "yes" }, button))));
  dialog.querySelector(".button").addEventListener("click", () => dialog.close());
  const closed = shown(studio.root, dialog);
  field.select();
  return await closed === "yes" ? !label || field.value.trim() : null;
}

/** One use of the Save button. */
class Saving {
  constructor(studio) {
    this.studio = studio;
  }

  async ask() {
    const { studio } = this;
    await studio.settled();
    const file = studio.file ?? await ask(studio, {
      title: "Save", label: "File name", value: "experiment.yaml", button: "Save",
      hint: "In the folder in which the studio was started.",
    });
    if (file) this.save(/\.ya?ml$/.test(file) ? file : `${file}.yaml`, false);
  }

  save(file, overwrite) {
    const { studio } = this, { text } = studio, id = studio.send({ type: "save", text, file, overwrite });
    studio.once(["saved", "failed"], id, async ({ type, code, message }) => {
      if (type === "saved") {
        studio.file = file;
        studio.markSaved(text);
        studio.say(`Saved ${file}.`);
      } else if (code !== "exists") studio.say(message);
      else if (await ask(studio, { title: `${file} exists. Replace it?`, button: "Replace" })) this.save(file, true);
    });
  }
}

/** Return the dialog that writes the picture in each format. */
function createExports(studio) {
  const list = h("ul", { class: "exports" });
  const dialog = h("dialog", { class: "exporting", "aria-label": "Export" },
    h("header", {}, h("h2", {}, "Export"), iconButton("reset", "Close")),
    h("p", { class: "quiet" }, "Files are written to the folder outputs, as by gdsim run."), list);
  dialog.querySelector("button").addEventListener("click", () => dialog.close());
  studio.on("hello", ({ formats }) => {
    const known = Object.keys(NAMES).filter((format) => formats.includes(format));
    list.replaceChildren(...[...new Set([...known, ...formats])].map((format) => exportRow(studio, format)));
  });
  return dialog;
}

function exportRow(studio, format) {
  const name = NAMES[format] ?? format.toUpperCase(), state = h("p", { class: "quiet", role: "status" });
  const start = h("button", { type: "button", class: "button" }, "Export");
  const bar = h("progress", { max: 1, hidden: true, "aria-label": `${name}: progress` });
  let id = null;
  const end = () => {
    id = null;
    bar.hidden = true;
    start.textContent = "Export";
  };
  const answered = ({ type, share, what, file, url, message }) => {
    if (type === "progress") {
      if (share === null || share === undefined) bar.removeAttribute("value");
      else bar.value = share;
      state.textContent = what ?? "";
      return;
    }
    end();
    // A notebook has no address to download from.
    state.replaceChildren(url ? h("a", { href: url, download: file.split("/").pop() }, file) : file ?? message);
  };
  start.addEventListener("click", () => {
    if (id !== null) {
      studio.send({ type: "cancel", cancel: id });
      end();
      state.textContent = "Cancelled.";
      return;
    }
    id = studio.send({ type: "export", text: studio.text, format });
    const own = id;
    studio.once(["exported", "failed"], own, answered);
    bar.removeAttribute("value");
    bar.hidden = false;
    start.textContent = "Cancel";
    state.textContent = "";
  });
  studio.on("progress", (message) => { if (message.id === id) answered(message); });
  return h("li", {}, h("b", {}, name), start, bar, state);
}
