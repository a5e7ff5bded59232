// A dialog to choose one of many things by searching for it.

import { CODE, h, iconButton, shown } from "./dom.js";

/** Return whether a word of the name of an item begins with some letters. */
const isAtStart = ({ value, label }, letters) => (
  [value, ...`${value} ${label}`.split(/[^\p{L}\d]+/u)].some((word) => word.toLowerCase().startsWith(letters))
);

/**
 * Let the user choose; resolves to the value of an item, to a text that `free` accepts, or to "".
 *
 * Items have `value`, `label`, and optionally `detail` and the address of an `image`.
 */
export function choose(root, { title, hint, items, free = () => null }) {
  const search = h("input", { ...CODE, type: "search", placeholder: hint, "aria-label": hint });
  const list = h("div", { class: "choices", role: "group", "aria-label": title });
  const count = h("p", { class: "quiet", role: "status" });
  const dialog = h("dialog", { class: "chooser", "aria-label": title },
    h("header", {}, h("h2", {}, title), iconButton("reset", "Close", { "data-close": true })), search, list, count);
  const button = ({ value, label, detail, image }) => (
    h("button", { type: "button", class: "choice", "data-value": value },
      image && h("img", { src: image, alt: "", loading: "lazy" }),
      h("b", {}, label),
      detail && h("span", { class: "quiet" }, detail))
  );
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/), own = search.value.trim() && free(search.value.trim());
    const text = ({ value, label, detail = "" }) => `${value} ${label} ${detail}`.toLowerCase();
    const found = items.filter((item) => words.every((word) => text(item).includes(word)));
    found.sort((one, other) => isAtStart(other, words[0]) - isAtStart(one, words[0]));
    list.replaceChildren(...found.map(button), ...(own ? [button({ value: search.value.trim(), label: own })] : []));
    list.classList.toggle("tiles", found.some(({ image }) => image));
    count.textContent = list.children.length ? "" : "Nothing of this name.";
  };
  const move = (event) => {
    const buttons = [...list.children], i = buttons.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step || (document.activeElement === search && event.key !== "ArrowDown")) return;
    event.preventDefault();
    (buttons[i + step] ?? (step < 0 ? search : buttons[i]))?.focus();
  };
  search.addEventListener("input", show);
  dialog.addEventListener("keydown", move);
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();  // or the button that opened the dialog, which is focused then, is pressed
    list.querySelector("button")?.click();
  });
  dialog.addEventListener("click", ({ target }) => {
    const item = target.closest("[data-value]");
    if (item || target === dialog || target.closest("[data-close]")) dialog.close(item?.dataset.value ?? "");
  });
  show();
  const chosen = shown(root, dialog);
  search.focus();
  return chosen;
}
