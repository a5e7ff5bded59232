// The starts in the picture: buttons that are dragged, or moved with arrow keys.

import { h } from "./dom.js";
import { written } from "./numbers.js";
import { MOVES } from "./pointing.js";
import { within } from "./shapes.js";

const MOST = 400;  // the number of starts that have handles
const TABBED = 12;  // the number of starts of a view that the key Tab reaches
const SMALL = 0.01;  // the share of a view by which an arrow key moves a start; ten times as much with shift
const SETTLED = 400;  // milliseconds after the last key until the text changes
const CLICK = 4;  // the movement of a pointer in CSS pixels from which it drags

export class Handles {
  constructor(stage) {
    Object.assign(this, { stage, studio: stage.studio, list: [] });
    this.box = stage.frameBox.appendChild(h("div", { role: "group", "aria-label": "Starts" }));
  }

  /** Show a handle for each start in each view. */
  place() {
    this.box.hidden = false;
    const { starts, views } = this.stage, focused = this.list.indexOf(document.activeElement);
    const shown = views.flatMap((view) => (
      starts[view.objective].slice(0, MOST).map((start, index) => ({ view, start, index }))
    ));
    while (this.list.length > shown.length) this.list.pop().remove();
    while (this.list.length < shown.length) this.list.push(this.box.appendChild(this.handle()));
    shown.forEach((each, i) => this.placeOne(this.list[i], each));
    if (focused >= this.list.length) this.list.at(-1)?.focus();
  }

  handle() {
    const handle = h("button", { type: "button", class: "start" });
    handle.addEventListener("pointerdown", (event) => this.press(event, handle));
    handle.addEventListener("keydown", (event) => this.key(event, handle));
    return handle;
  }

  placeOne(handle, { view, start, index }) {
    const [x, y] = view.pixel(view.project(start)), many = this.stage.starts[view.objective].length > 1;
    Object.assign(handle, { view, start, index, hidden: !within(view.box, x, y), tabIndex: index < TABBED ? 0 : -1 });
    this.stage.picture.setBox(handle, [x, y]);
    const number = many ? ` ${index + 1}` : "", place = start.map((each) => written(each)).join(", ");
    const words = `Start${number} at ${place}. Arrow keys move it${many ? ", delete removes it" : ""}.`;
    handle.setAttribute("aria-label", words);
  }

  press(event, handle) {
    if (event.button) return;
    const begin = [event.clientX, event.clientY];
    let point = null;
    const move = (each) => {
      if (!point && Math.hypot(each.clientX - begin[0], each.clientY - begin[1]) < CLICK) return;
      point = this.pointAt(handle, each);
      this.move(handle, point, each.timeStamp);
    };
    const end = (each) => {
      handle.classList.remove("dragged");
      for (const [kind, listener] of listeners) handle.removeEventListener(kind, listener);
      if (point) this.settle(handle, each.type === "pointerup" ? this.pointAt(handle, each) : point);
    };
    const listeners = [["pointermove", move], ["pointerup", end], ["pointercancel", end]];
    handle.classList.add("dragged");
    handle.setPointerCapture(event.pointerId);
    for (const [kind, listener] of listeners) handle.addEventListener(kind, listener);
  }

  /** Return the point of the domain at an event, for the start of a handle. */
  pointAt({ view, start }, event) {
    return view.rounded(view.moved(start, view.coordinates(...this.stage.picture.placeOf(event))));
  }

  key(event, handle) {
    const move = MOVES[event.key], { view, start } = handle;
    if (event.key === "Delete" || event.key === "Backspace") this.remove(handle);
    if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const share = event.shiftKey ? 10 * SMALL : SMALL, ranges = [view.x, view.y ?? [0, 0]];
    const coordinates = view.project(start).map((part, k) => part + share * move[k] * (ranges[k][1] - ranges[k][0]));
    const point = view.rounded(view.moved(start, coordinates));
    this.move(handle, point, event.timeStamp);
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.settle(handle, point), SETTLED);
  }

  /** Show the paths from a point instead of the start of a handle. */
  move(handle, point, moment) {
    this.studio.try([this.edit(this.replaced(handle, point))], [], moment);
    this.placeOne(handle, { view: handle.view, start: point, index: handle.index });
  }

  settle(handle, point) {
    this.studio.edit([this.edit(this.replaced(handle, point))], "start");
    this.stage.say(`Start at ${point.map((each) => written(each)).join(", ")}.`);
  }

  remove({ view, index }) {
    const starts = this.stage.starts[view.objective];
    if (starts.length > 1) this.studio.edit([this.edit(starts.filter((_, i) => i !== index))]);
  }

  replaced({ view, index }, point) {
    return this.stage.starts[view.objective].map((start, i) => i === index ? point : start);
  }

  /** Return the edit that sets the starts: a number in one dimension, a point, or a list of points. */
  edit(starts) {
    const value = starts.length > 1 ? starts : starts[0].length > 1 ? starts[0] : starts[0][0];
    return { path: ["start"], value };
  }
}
