// The studio: a page in which everything that a config can say is at hand. An ES module.

import { createControls } from "./controls.js";
import { h } from "./dom.js";
import { createEditor } from "./editor.js";
import { createBar } from "./files.js";
import { createStage } from "./stage.js";
import { Studio } from "./store.js";

/**
 * Build a studio in an element.
 *
 * The connection has `send(message, buffers)`, and calls its `onmessage` with answers; `keys` is what listens for keys
 * such as Ctrl+Z. The studio is empty until its `open` is called.
 */
export function mount(element, connection, keys = element) {
  const studio = new Studio(connection), menu = h("header", { class: "menu" });
  const controls = h("section", { class: "controls", "aria-label": "Settings" });
  const stage = h("main", { class: "stage", "aria-label": "Picture" });
  const source = h("section", { class: "source", "aria-label": "YAML" });
  element.classList.add("studio");
  studio.root = element;
  element.append(menu, stage, controls, source);
  createBar(menu, studio, keys);
  createControls(controls, studio);
  createStage(stage, studio);
  createEditor(source, studio);
  studio.on("drawing", ({ drawing: { size: [width, height] } }) => stage.style.setProperty("--ratio", width / height));
  element.studio = studio;  // for other scripts on the page
  return studio;
}
