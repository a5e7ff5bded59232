// The picture of a studio: what is drawn, the starts that can be dragged, and the controls of time.

import { Clock, createPicture, within } from "./picture.js";
import { Paths } from "./paths.js";
import { View } from "./view.js";

const PATIENCE = 25;  // milliseconds for which a computation is not cancelled by the next movement of the pointer
const CLICK = 4;  // the movement of a pointer in CSS pixels from which it drags
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

/** Build the stage of a studio in an element. */
export function createStage(root, studio) {
  return new Stage(root, studio);
}

class Stage {
  constructor(root, studio) {
    Object.assign(this, { root, studio, drawing: null, views: [], starts: [], paths: new Paths() });
    const add = (parent, tag, properties) => parent.appendChild(Object.assign(document.createElement(tag), properties));
    this.frame = add(root, "div", { className: "picture" });
    this.ground = add(this.frame, "img", { className: "ground", alt: "", draggable: false });
    this.canvas = add(this.frame, "canvas", {});
    this.handles = add(this.frame, "div", { className: "starts" });
    this.bar = add(root, "div", { className: "bar" });
    this.play = add(this.bar, "button", { className: "play", type: "button", textContent: "Play" });
    this.scrub = add(this.bar, "input", { className: "scrub", type: "range", min: 0, max: 1, step: "any" });
    this.scrub.setAttribute("aria-label", "Step");
    this.place = Infinity;
    this.playing = null;
    this.live = false;
    this.sent = null;
    this.next = null;
    this.play.addEventListener("click", () => this.setPlaying(!this.playing));
    this.scrub.addEventListener("input", () => this.go(Number(this.scrub.value)));
    this.frame.addEventListener("pointerdown", (event) => this.press(event));
    studio.on("state", ({ starts }) => { this.starts = starts ?? this.starts; });
    studio.on("drawing", (message) => this.show(message));
    studio.on("piece", (piece, [buffer]) => this.receive(piece, buffer));
    new ResizeObserver(() => {
      this.picture?.resize();
      this.draw();
    }).observe(this.frame);
  }

  // The drawing at rest.

  async show({ id, drawing, background, live, description }) {
    const ground = Object.assign(new Image(), { src: background });
    await ground.decode();
    this.drawing = { ...drawing, layers: [...drawing.layers] };
    this.views = live.map((each) => new View(each, drawing.layers[each.layer].box));
    if (this.picture) this.picture.setDrawing({ ...drawing, layers: [...drawing.layers] });
    else this.picture = createPicture(this.canvas, { ...drawing, layers: [...drawing.layers] });
    await this.picture.ready;
    this.ground.src = background;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", description);
    this.clock = new Clock(drawing);
    this.place = Math.min(this.place, this.clock.last);
    this.scrub.max = drawing.steps;
    this.live = false;
    this.picture.resize();
    this.placeHandles();
    this.draw();
  }

  draw() {
    if (!this.picture) return;
    const time = this.live ? this.drawing.steps : this.clock.timeAt(this.place);
    this.picture.draw(time);
    this.scrub.value = time;
  }

  go(time) {
    this.setPlaying(false);
    this.place = this.clock.placeAt(time);
    this.draw();
  }

  setPlaying(wanted) {
    cancelAnimationFrame(this.playing);
    this.playing = null;
    this.play.textContent = wanted ? "Pause" : "Play";
    if (!wanted) return;
    if (this.place >= this.clock.last) this.place = 0;
    let before = performance.now();
    const tick = (now) => {
      this.place += Math.min((now - before) / 1000, 0.1) * this.clock.fps;
      before = now;
      if (this.place >= this.clock.last) this.place = this.clock.last;
      this.draw();
      if (this.place === this.clock.last) this.setPlaying(false);
      else this.playing = requestAnimationFrame(tick);
    };
    this.playing = requestAnimationFrame(tick);
  }

  // Paths that are being computed.

  /** Try other starts. While the computation before has not answered or is young, the newest of them waits. */
  try(edits, moment) {
    if (this.sent) this.next = { edits, moment };
    else this.sent = { id: this.studio.try(edits), when: performance.now(), moment };
  }

  tryNext() {
    clearTimeout(this.sent?.timer);
    this.sent = null;
    const { next } = this;
    this.next = null;
    if (next) this.try(next.edits, next.moment);
  }

  receive(piece, buffer) {
    if (!this.live) this.picture.forget();
    const isFirst = this.paths.add(piece, buffer), { sent } = this;
    this.live = true;
    this.drawing_ ??= requestAnimationFrame(() => this.drawLive());
    if (sent?.id !== piece.id) return;
    if (isFirst) {
      this.measured = sent.moment;
      performance.measure("answer", {start: sent.when, end: performance.now()});
      performance.measure("send", {start: sent.moment, end: sent.when});
      sent.timer = setTimeout(() => this.tryNext(), PATIENCE - (performance.now() - sent.when));
    }
    if (piece.last && piece.optimizer === this.count - 1) this.tryNext();
  }

  get count() {
    return Math.max(...this.views.flatMap((view) => view.optimizers)) + 1;
  }

  drawLive() {
    this.drawing_ = null;
    if (!this.live) return;
    const began_ = performance.now();
    const brush = this.picture.cleared(this.canvas);
    for (const view of this.views) {
      const layer = this.picture.layers[view.layer];
      this.picture.clipped(brush, layer, () => this.paths.draw(brush, view, layer.trails));
    }
    performance.measure("draw", {start: began_, end: performance.now()});
    if (this.measured) {
      const start = this.measured, channel = new MessageChannel();
      this.measured = null;
      // After the frame has been painted.
      channel.port1.onmessage = () => performance.measure("segment", { start, end: performance.now() });
      channel.port2.postMessage(null);
    }
  }

  // The starts.

  placeHandles() {
    const places = this.views.flatMap((view) => (this.starts[view.objective] ?? []).map((start, index) => ({ view, start, index })));
    while (this.handles.children.length > places.length) this.handles.lastChild.remove();
    while (this.handles.children.length < places.length) {
      const handle = Object.assign(document.createElement("button"), { type: "button", className: "start" });
      handle.addEventListener("keydown", (event) => this.press_(event, handle));
      this.handles.append(handle);
    }
    places.forEach((place, i) => this.placeHandle(this.handles.children[i], place));
  }

  placeHandle(handle, { view, start, index }) {
    const [x, y] = view.pixel(view.project(start)), [width, height] = this.drawing.size;
    Object.assign(handle, { view, start, index, hidden: !within(view.box, x, y) });
    handle.style.left = `${100 * x / width}%`;
    handle.style.top = `${100 * y / height}%`;
    handle.setAttribute("aria-label", `Start ${index + 1}: ${view.rounded(start).join(", ")}; arrow keys move it`);
  }

  /** Return the place of an event, in pixels of the picture. */
  placeOf(event) {
    const box = this.frame.getBoundingClientRect(), [width, height] = this.drawing.size;
    return [(event.clientX - box.left) / box.width * width, (event.clientY - box.top) / box.height * height];
  }

  press(event) {
    if (!this.drawing || event.button) return;
    const handle = event.target.closest(".start"), place = this.placeOf(event);
    const view = handle?.view ?? this.views.find(({ box }) => within(box, ...place));
    if (!view) return;
    if (!handle) event.preventDefault();
    const begin = [event.clientX, event.clientY];
    let dragged = false;
    const starts = () => (this.starts[view.objective] ?? []);
    const to = (each) => view.rounded(view.moved(handle?.start ?? starts()[0], view.coordinates(...this.placeOf(each))));
    const move = (each) => {
      if (!dragged && Math.hypot(each.clientX - begin[0], each.clientY - begin[1]) < CLICK) return;
      dragged = true;
      if (!handle) return;
      const point = to(each);
      this.try([this.startEdit(view, this.replaced(view, handle.index, point))], each.timeStamp);
      this.placeHandle(handle, { view, start: point, index: handle.index });
    };
    const end = (each) => {
      for (const [kind, listener] of listeners) this.frame.removeEventListener(kind, listener);
      if (each.type === "pointercancel" || (!dragged && handle)) return;
      if (dragged && !handle) return;
      const point = to(each);
      const value = handle ? this.replaced(view, handle.index, point) : each.shiftKey ? [...starts(), point] : [point];
      const edits = [this.startEdit(view, value)];
      if (!dragged) this.try(edits, each.timeStamp);
      clearTimeout(this.sent?.timer);
      this.next = this.sent = null;
      this.studio.edit(edits);
    };
    const listeners = [["pointermove", move], ["pointerup", end], ["pointercancel", end]];
    this.frame.setPointerCapture(event.pointerId);
    for (const [kind, listener] of listeners) this.frame.addEventListener(kind, listener);
  }

  replaced(view, index, point) {
    return this.starts[view.objective].map((start, i) => i === index ? point : start);
  }

  startEdit(view, starts) {
    const isNumber = starts.length === 1 && starts[0].length === 1;
    return { path: ["start"], value: starts.length > 1 ? starts : isNumber ? starts[0][0] : starts[0] };
  }

  press_(event, handle) {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    const { view, index } = handle, far = event.shiftKey ? 0.1 : 0.01, ranges = [view.x, view.y ?? [0, 0]];
    const coordinates = view.project(handle.start).map((part, k) => part + far * move[k] * (ranges[k][1] - ranges[k][0]));
    const point = view.rounded(view.moved(handle.start, coordinates));
    this.try([this.startEdit(view, this.replaced(view, index, point))], event.timeStamp);
    this.placeHandle(handle, { view, start: point, index });
    this.starts[view.objective] = this.replaced(view, index, point);
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.studio.edit([this.startEdit(view, this.starts[view.objective])]), 300);
  }
}
