// The pane with the YAML: what is typed becomes the config, and every change of the config appears in it.

import { h, morphChildren } from "./dom.js";

/** A comment, a quoted text, a key after what is before it, or a number after what is before it. */
const TOKENS = new RegExp([
  /(#.*$)/,
  /("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')/,
  /(^|[\s{,[-])([A-Za-z_][^:#{},[\]"']*)(?=:(?:\s|$))/,
  /(^|[\s:{,[])([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?=$|[\s,}\]])/,
].map(({ source }) => source).join("|"), "gi");

/** Return the parts of a line of YAML, with classes for their colors. A `#` begins a comment only after a space. */
function colored(line) {
  const parts = [];
  let end = 0;
  for (const match of line.matchAll(TOKENS)) {
    const [whole, comment, quoted, keyLead, key, numberLead, number] = match;
    if (match.index < end || (comment && match.index && !/\s/.test(line[match.index - 1]))) continue;
    const lead = (keyLead ?? numberLead ?? "").length, begin = match.index + lead;
    const kind = comment ? "comment" : quoted ? "text" : key ? "key" : number ? "figure" : "";
    parts.push(line.slice(end, begin), h("span", { class: kind }, whole.slice(lead)));
    end = match.index + whole.length;
    if (comment) break;
  }
  return [...parts, line.slice(end)];
}

export function createEditor(root, studio) {
  const area = h("textarea", {
    "aria-label": "Config (YAML)", "aria-describedby": "mistakes", spellcheck: "false", autocapitalize: "off",
    autocomplete: "off", wrap: "off",
  });
  const paper = h("pre", { "aria-hidden": "true" });
  const list = h("ul", { id: "mistakes", "aria-live": "polite", "aria-label": "Mistakes" });
  root.replaceChildren(h("div", { class: "pane" }, paper, area), list);

  const show = () => {
    const marks = new Map(studio.mistakes.map((mistake) => [mistake.line, mistake]));
    const lines = area.value.split("\n").map((line, i) => {
      const mistake = marks.get(i + 1), mark = mistake && { title: mistake.message, "--column": mistake.column - 1 };
      return h("div", { class: mistake ? "line wrong" : "line", ...mark }, colored(line), "\n");
    });
    morphChildren(paper, h("pre", {}, lines));
    area.style.height = `${paper.offsetHeight}px`;
    area.style.width = `max(100%, ${paper.scrollWidth}px)`;
  };
  const showMistakes = () => {
    area.setAttribute("aria-invalid", String(studio.mistakes.length > 0));
    list.replaceChildren(...studio.mistakes.map(({ line, column, key, message }) => (
      h("li", {}, h("button", { type: "button", "data-line": line, "data-column": column },
        h("b", {}, `line ${line}`), " ", [key?.join("."), message].filter(Boolean).join(": ")))
    )));
    show();
  };
  studio.on("text", (text) => {
    if (area.value === text) return;
    const { selectionStart, selectionEnd } = area, shift = text.length - area.value.length, old = area.value;
    area.value = text;
    if (document.activeElement === area) {
      // The cursor stays at its place in the text, also where something above it has changed.
      const first = [...text].findIndex((letter, i) => letter !== old[i]);
      const moved = first >= 0 && first < selectionStart ? shift : 0;
      area.setSelectionRange(selectionStart + moved, selectionEnd + moved);
    }
    show();
  });
  /** Keep the line that is being typed in sight. */
  const follow = () => {
    const line = area.value.slice(0, area.selectionStart).split("\n").length;
    if (document.activeElement === area) paper.children[line - 1]?.scrollIntoView({ block: "nearest" });
  };
  studio.on("state", () => {
    showMistakes();
    follow();
  });
  area.addEventListener("input", () => {
    show();
    follow();
    studio.setText(area.value, "typing");
  });
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) keepIndent(event, area);
  });
  list.addEventListener("click", ({ target }) => {
    const { line, column } = target.closest("button")?.dataset ?? {};
    if (line) select(area, Number(line), Number(column));
  });
}

/** Begin a new line with the spaces of the present one, and two more after a key without a value. */
function keepIndent(event, area) {
  const before = area.value.slice(0, area.selectionStart), line = before.slice(before.lastIndexOf("\n") + 1);
  const deeper = /:\s*(#.*)?$/.test(line) ? "  " : "";
  event.preventDefault();
  area.setRangeText(`\n${/^ */.exec(line)[0]}${deeper}`, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Put the cursor at a mistake, and scroll there. */
function select(area, line, column) {
  const lines = area.value.split("\n");
  const begin = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  area.focus();
  area.setSelectionRange(begin + column - 1, begin + (lines[line - 1]?.length ?? 0));
  area.previousElementSibling.children[line - 1]?.scrollIntoView({ block: "center" });
}
