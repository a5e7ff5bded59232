// The ground of each view: a click sets the start, a drag moves what is shown, and a wheel or two fingers zoom.

import { h } from "./dom.js";
import { MOVES } from "./pointing.js";
import { rounded } from "./view.js";

const CLICK = 4;  // the movement of a pointer in CSS pixels from which it drags
const WHEEL = 0.0015;  // the exponent of the zoom per pixel of a wheel
const HELD = 500;  // milliseconds from which a touch only shows figures
const KEY = { "+": 1 / 1.25, "=": 1 / 1.25, "-": 1.25 };  // the zoom of keys
const TURN = 0.4, KEY_TURN = 5;  // degrees by which a surface turns per CSS pixel of a drag, and per key
const LOWEST = 5;  // degrees of elevation to which it turns
const OTHERS = "Space plays. Full stop and comma tell the figures of the next and the previous path.";
const SETTLED = 250;  // milliseconds after the last turn of a wheel until the text changes

/** Return whether a view cannot be moved, such as the plane of the principal components of paths. */
const isStill = ({ bounds, camera }) => !bounds && !camera;

export class Ground {
  constructor(stage) {
    Object.assign(this, { stage, studio: stage.studio, list: [], fingers: new Map() });
    this.box = stage.frameBox.appendChild(h("div", {}));
  }

  /** Cover each view with an element that pointers and keys reach. */
  place() {
    const { views } = this.stage;
    while (this.list.length > views.length) this.list.pop().remove();
    while (this.list.length < views.length) this.list.push(this.box.appendChild(this.ground()));
    views.forEach((view, i) => {
      this.list[i].view = view;
      this.stage.picture.setBox(this.list[i], view.box);
      const turns = view.camera ? " Arrow keys turn it." : "", moves = view.camera ? "" : " Arrow keys move the view.";
      const does = turns + (view.bounds ? `${moves} Plus and minus zoom.` : "");
      const words = `View of ${view.names.join(" and ")}.${does} Enter sets the start in its middle. ${OTHERS}`;
      this.list[i].setAttribute("aria-label", words);
      this.list[i].classList.toggle("still", isStill(view));
      this.list[i].classList.toggle("fixed", !this.stage.starts[view.objective]?.length);
    });
    this.range = null;
  }

  ground() {
    const ground = h("div", { class: "view", tabindex: 0, role: "application" });
    ground.addEventListener("pointerdown", (event) => this.press(event, ground));
    ground.addEventListener("pointermove", (event) => this.drag(event, ground));
    ground.addEventListener("pointerup", (event) => this.release(event, ground));
    ground.addEventListener("pointercancel", (event) => this.release(event, ground));
    ground.addEventListener("wheel", (event) => this.wheel(event, ground), { passive: false });
    ground.addEventListener("keydown", (event) => this.key(event, ground));
    return ground;
  }

  press(event, ground) {
    if (event.button) return;
    ground.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    this.pressed = event.timeStamp;
    if (this.fingers.size === 1) this.begin = [event.clientX, event.clientY];
  }

  drag(event, ground) {
    const before = this.fingers.get(event.pointerId), here = [event.clientX, event.clientY], { view } = ground;
    if (!before) return;
    const isClick = this.begin && Math.hypot(here[0] - this.begin[0], here[1] - this.begin[1]) < CLICK;
    if (isClick && this.fingers.size === 1) return;
    this.begin = null;
    if (isStill(view)) return;
    ground.classList.add("panned");
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    const at = (place) => this.stage.picture.placeOf({ clientX: place[0], clientY: place[1] });
    this.fingers.set(event.pointerId, here);
    if (!other && view.camera) return this.turn(view, here[0] - before[0], here[1] - before[1]);
    if (!view.bounds) return;
    if (!other) return this.show(view, at(before), at(here), 1);
    const apart = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
    const middle = (place) => at([(place[0] + other[0]) / 2, (place[1] + other[1]) / 2]);
    return this.show(view, middle(before), middle(here), apart(before) / apart(here));
  }

  release(event, ground) {
    if (!this.fingers.delete(event.pointerId) || this.fingers.size) return;
    ground.classList.remove("panned");
    const isHeld = event.pointerType === "touch" && event.timeStamp - this.pressed > HELD;
    if (this.begin && event.type === "pointerup" && !isHeld) this.click(event, ground.view);
    else if (isStill(ground.view)) this.studio.say("This view follows the paths: it cannot be moved.");
    else this.settle(ground.view);
    this.begin = null;
  }

  /** Set the start, or with shift add one. */
  click(event, view) {
    const { handles, starts } = this.stage, known = starts[view.objective] ?? [];
    if (!known.length) {
      this.studio.say("A network starts from the weights that the seed gives it.");
      return;
    }
    const point = view.rounded(view.moved(known[0], view.coordinates(...this.stage.picture.placeOf(event))));
    this.studio.edit([handles.edit(event.shiftKey ? [...known, point] : [point])]);
    this.stage.expected = { id: this.studio.asked, moment: event.timeStamp };
  }

  wheel(event, ground) {
    if (!ground.view.bounds) return;
    event.preventDefault();
    const place = this.stage.picture.placeOf(event), lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.show(ground.view, place, place, Math.exp(WHEEL * event.deltaY * lines));
    this.settleSoon(ground.view);
  }

  key(event, ground) {
    const { view } = ground, [left, top, width, height] = view.box, middle = [left + width / 2, top + height / 2];
    const move = MOVES[event.key], zoom = KEY[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey || !(move || zoom || event.key === "Enter")) return;
    event.preventDefault();
    if (event.key === "Enter") {
      const box = ground.getBoundingClientRect();
      const [clientX, clientY] = [box.left + box.width / 2, box.top + box.height / 2];
      this.click({ clientX, clientY, shiftKey: event.shiftKey, timeStamp: event.timeStamp }, view);
    } else if (view.camera && move) {
      this.turn(view, ...[move[0], -move[1]].map((each) => each * KEY_TURN / TURN));
      this.settleSoon(view);
    } else if (view.bounds) {
      const [across, up] = move ?? [0, 0];
      this.show(view, middle, [middle[0] - 0.1 * across * width, middle[1] + 0.1 * up * height], zoom ?? 1);
      this.settleSoon(view);
    }
  }

  settleTurn({ azimuth, elevation }) {
    // The picture is that of the end of an orbit.
    const path = ["view", "camera"], orbit = this.studio.config.view?.camera?.orbit ?? 0;
    this.turned = false;
    this.studio.edit([
      { path: [...path, "azimuth"], value: wrapped(azimuth - orbit) },
      { path: [...path, "elevation"], value: Math.round(elevation) },
    ], "view");
  }

  settleSoon(view) {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.settle(view), SETTLED);
  }

  /** Turn a surface by a movement in CSS pixels. */
  turn(view, across, down) {
    const { azimuth, elevation } = view.camera;
    view.turn(azimuth - TURN * across, Math.min(Math.max(elevation + TURN * down, LOWEST), 90));
    this.turned = true;
    this.stage.drawTurned(view);
  }

  /** Show the view as if its point at one pixel were at another, and its ranges were longer by a factor. */
  show(view, from, to, factor) {
    const { stage } = this, [left, top, width, height] = view.box;
    this.range ??= { left, top, width, height };
    const now = this.range, scale = 1 / factor;
    Object.assign(now, {
      left: to[0] + (now.left - from[0]) * scale, top: to[1] + (now.top - from[1]) * scale,
      width: now.width * scale, height: now.height * scale,
    });
    if (view.camera) now.around = view.coordinates(...to);
    stage.drawMoved(view, now);
  }

  /** Write the angles or the ranges that are shown into the config. */
  settle(view) {
    if (this.turned) this.settleTurn(view.camera);
    if (!this.range) return;
    const { left, top, width, height, around } = this.range, [boxLeft, boxTop, wide, high] = view.box;
    this.range = null;
    // The view is in its own box what the box is in the moved one.
    const across = [boxLeft - left, boxLeft + wide - left].map((each) => each / width);
    const up = [boxTop + high - top, boxTop - top].map((each) => 1 - each / height);
    const ranges = view.y ? [[view.x, across], [view.y, up]] : [[view.x, across]];
    const shown = around ? ranges.map(([ends], k) => ends.map((end) => around[k] + (end - around[k]) * wide / width))
      : ranges.map(([[low, end], shares]) => shares.map((share) => low + share * (end - low)));
    const number = Array.isArray(this.studio.config?.objective) ? [view.objective] : [], bounds = [...view.bounds];
    shown.forEach((range, k) => { bounds[view.axes[k].indexOf(1)] = range; });
    const value = bounds.map((range) => rounded(range, range[1] - range[0]));
    this.studio.edit([{ path: ["objective", ...number, "bounds"], value }], "view");
    const isOutside = (start) => start.some((part, k) => part < bounds[k][0] || part > bounds[k][1]);
    if (this.stage.starts[view.objective].some(isOutside)) this.studio.say("A view always holds all starts.");
  }
}

/** Return an angle in degrees from -180 to 180. */
function wrapped(angle) {
  return Math.round(angle - 360 * Math.round(angle / 360));
}
