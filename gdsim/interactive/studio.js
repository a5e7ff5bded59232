// The studio: a page in which everything that a configuration can say is at hand. An ES module.

import { createStage } from "./stage.js";
import { Studio } from "./store.js";

/** Build a studio in an element; a connection has `send(message, buffers)`, and calls its `onmessage` with answers. */
export function mount(element, connection) {
  const studio = new Studio(connection);
  const part = (tag, name, label) => {
    const made = Object.assign(document.createElement(tag), { className: name });
    if (label) made.setAttribute("aria-label", label);
    return made;
  };
  const stage = part("section", "stage", "Picture"), status = part("p", "status");
  status.setAttribute("role", "status");
  element.classList.add("studio");
  element.append(stage, status);
  createStage(stage, studio);
  studio.on("failed", ({ message }) => { status.textContent = message; });
  studio.on("state", ({ mistakes }) => { status.textContent = mistakes.map((each) => each.message).join("; "); });
  studio.on("closed", () => { status.textContent = "The server has ended. Start gdsim studio again, and reload."; });
  studio.open();
  return studio;
}
