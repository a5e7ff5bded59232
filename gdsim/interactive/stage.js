// The picture of a studio: a drawing, the paths that are being computed over it, and the controls of time.

import { h, iconButton } from "./dom.js";
import { Ground } from "./ground.js";
import { Handles } from "./handles.js";
import { MANY, Paths } from "./paths.js";
import { Cursors, Pointing, filled } from "./pointing.js";
import { mark, stroke } from "./shapes.js";
import { Clock, Transport } from "./transport.js";
import { createPicture } from "./picture.js";
import { View } from "./view.js";

const FAINT = 0.3;  // the opacity of what does not follow the paths that are being computed
const PAUSE = 100;  // milliseconds between two frames with more of many paths
const SILENT = 1000;  // milliseconds without news of some work until it is shown that there is some
const QUIET = 500;  // milliseconds after the last change until it is said

/** Build the stage of a studio in an element. */
export function createStage(root, studio) {
  return new Stage(root, studio);
}

class Stage {
  constructor(root, studio) {
    studio.stage = this;  // for other scripts on the page
    Object.assign(this, { root, studio, drawing: null, views: [], starts: [], paths: new Paths() });
    Object.assign(this, { live: false, moved: false, frame: 0 });
    this.ground = h("img", { class: "ground", alt: "", draggable: "false" });
    this.canvas = h("canvas", { role: "img", "aria-label": "The picture is being drawn" });
    this.frameBox = h("div", { class: "picture" }, this.ground, this.canvas);
    this.said = h("p", { class: "said", role: "status" });
    this.work = h("p", { class: "work" });
    root.append(this.frameBox, this.controls(), this.work, this.said);
    this.grounds = new Ground(this);
    this.handles = new Handles(this);
    studio.on("state", (state) => this.receiveState(state));
    studio.on("drawing", (message) => this.show(message));
    studio.on("piece", (piece, [buffer]) => this.receive(piece, buffer));
    studio.on("progress", ({ id, share, what }) => { if (id === studio.asked) this.showWork(share, what); });
    studio.on("failed", ({ id, message }) => { if (id === studio.asked) this.sayWork(message); });
    studio.on("hidden", () => this.draw());
    studio.on("runs", ({ id, runs }) => { if (id === this.shownId) this.picture.setRuns(runs); });
    root.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => {
      this.picture?.resize();
      this.draw();
    }).observe(this.frameBox);
  }

  controls() {
    this.play = h("button", { type: "button", class: "button" }, "Play");
    this.scrub = h("input", { type: "range", class: "scrub", min: 0, max: 1, step: "any", "aria-label": "Step" });
    this.step = h("span", { class: "step" });
    const speeds = [0.25, 0.5, 1, 2, 4].map((value) => h("option", { value }, `${value} ×`));
    this.speed = h("select", { "aria-label": "Speed" }, speeds);
    this.speed.value = "1";
    this.loop = h("button", { type: "button", class: "button", "aria-pressed": "true" }, "Loop");
    this.play.addEventListener("click", () => this.transport?.toggle());
    this.loop.addEventListener("click", () => this.loop.setAttribute("aria-pressed", !this.loops()));
    this.scrub.addEventListener("input", () => this.transport?.go(Number(this.scrub.value)));
    this.scrub.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
      if (!move || !this.transport) return;
      event.preventDefault();
      this.transport.stepBy(move * (event.shiftKey ? 10 : 1));
    });
    const parts = [this.play, this.scrub, this.step, this.speed, this.loop];
    return h("div", { class: "transport", role: "group", "aria-label": "Time" }, parts);
  }

  loops() {
    return this.loop.getAttribute("aria-pressed") === "true";
  }

  // The drawing at rest.

  receiveState({ starts, mistakes, cost }) {
    this.starts = starts ?? this.starts;
    if (mistakes.length) return this.sayWork("The picture is that of the last text without mistakes.");
    this.sayWork(cost ? `This takes ${cost}.` : "");
    this.silence = setTimeout(() => this.sayWork(h("progress", { "aria-label": "working" }), "working…"), SILENT);
  }

  showWork(share, what) {
    if (share === 1) return this.sayWork(what);
    const bar = h("progress", { max: 1, value: share, "aria-label": what });
    return this.sayWork(bar, `${what}, ${Math.round(100 * share)} %`);
  }

  sayWork(...words) {
    clearTimeout(this.silence);
    this.work.replaceChildren(...words);
  }

  async show({ id, drawing, background, live, description }) {
    const ground = Object.assign(new Image(), { src: background });
    await ground.decode();
    if (this.picture) this.picture.setDrawing(drawing);
    else this.picture = createPicture(this.canvas, drawing);
    await this.picture.ready;
    if (id < this.studio.newest.drawing) return;
    const { transport } = this, atEnd = !transport || transport.place >= transport.clock.last, clock = new Clock(drawing);
    const views = live.map((each) => new View(each, drawing.layers[each.layer].box));
    Object.assign(this, { drawing, views, shownId: id, live: false, moved: false });
    this.pointing ??= new Pointing(this.frameBox, this.picture, {
      say: filled, tell: (words) => this.say(words), now: () => this.transport.now, rests: () => !this.live && !this.moved,
    });
    this.transport ??= new Transport(this.picture, clock, {
      speed: () => Number(this.speed.value), loops: () => this.loops(),
      shown: (time) => this.showTime(time), changed: () => this.showPlaying(), stopped: () => this.say(),
    });
    this.cursors ??= new Cursors(this.frameBox, this.picture, (time) => this.transport.go(time));
    Object.assign(this.transport, { clock, place: atEnd ? clock.last : Math.min(this.transport.place, clock.last) });
    this.ground.src = background;
    this.canvas.setAttribute("aria-label", description);
    this.scrub.max = drawing.steps;
    this.sayWork();
    this.picture.resize();
    this.grounds.place();
    this.handles.place();
    this.pointing.place();
    this.cursors.place();
    this.draw();
    this.say();
  }

  draw() {
    if (!this.transport || this.live || this.moved) return;
    const labels = this.drawing.optimizers.map(({ label }) => label);
    this.picture.hidden = new Set(labels.flatMap((label, i) => this.studio.hidden.has(label) ? [i] : []));
    this.picture.forget();
    this.transport.draw();
  }

  showTime(time) {
    this.pointing.follow(time);
    this.cursors.follow(time);
    this.scrub.value = time;
    this.scrub.style.setProperty("--share", time / Math.max(this.drawing.steps, 1));
    const { readings, steps } = this.drawing, step = Math.floor(time);
    const words = readings.length ? readings[Math.min(step, readings.length - 1)].text : `step ${step} of ${steps}`;
    if (this.step.textContent !== words) this.step.textContent = words;
    if (!this.transport.playing) this.scrub.setAttribute("aria-valuetext", words);
  }

  showPlaying() {
    this.play.textContent = this.transport.playing ? "Pause" : "Play";
  }

  /** Say where the paths are at this time, half a second after the last change. */
  say(words = null) {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => { this.said.textContent = words ?? this.figures(); }, QUIET);
  }

  figures() {
    return [this.step.textContent, ...this.pointing.told(this.transport.now)].join(". ");
  }

  /** Tell the figures of the next or the previous path, or nothing; play and pause. */
  key(event) {
    const does = {
      ".": () => this.pointing.next(1), ",": () => this.pointing.next(-1), Escape: () => this.dismiss(),
      " ": () => this.playFrom(event),
    }[event.key];
    if (this.transport) does?.();
  }

  /** Play or pause, unless the key is that of a button. */
  playFrom(event) {
    if (!event.target.matches(".view")) return;
    event.preventDefault();
    this.transport.toggle();
  }

  dismiss() {
    this.pointing.hideRun();
    this.pointing.unpoint();
  }

  // Paths that are being computed.

  /** Draw a piece of paths with the next frame. */
  receive(piece, buffer) {
    if (!this.drawing) return;
    if (!this.live) this.begin();
    const isFirst = this.paths.add(piece, buffer), { answered } = this.studio.trials;
    const event = [answered, this.expected].find((each) => each?.id === piece.id);
    if (isFirst && event) this.moment = event.moment;
    // Many paths take long to draw, in which no event would be answered.
    if (piece.starts >= MANY && !isFirst && !piece.last && performance.now() - this.drawn < PAUSE) return;
    this.frame ||= requestAnimationFrame(() => this.drawLive());
  }

  /** Begin to draw paths over what does not follow them. */
  begin() {
    if (this.transport.playing) this.transport.setPlaying(false);
    this.live = true;
    this.pointing.forget();
    this.transport.place = this.transport.clock.last;
    this.picture.keep();
    this.picture.forget();
    this.showTime(this.drawing.steps);
  }

  drawLive() {
    this.frame = 0;
    this.drawn = performance.now();
    if (!this.live) return;
    const brush = this.picture.cleared(this.canvas), { layers } = this.picture, [width, height] = this.drawing.size;
    const labels = Object.keys(this.studio.config?.optimizers ?? {});
    brush.globalAlpha = FAINT;
    layers.forEach((layer, index) => {
      if (!this.views.some((view) => view.layer === index)) {
        this.picture.clipped(brush, layer, () => brush.drawImage(this.picture.kept, 0, 0, width, height));
      }
    });
    for (const view of this.views) {
      const layer = layers[view.layer], isShown = (optimizer) => !this.studio.hidden.has(labels[optimizer]);
      this.picture.clipped(brush, layer, () => this.paths.draw(brush, view, layer.trails, isShown));
    }
    this.picture.drawCounter(brush, this.drawing.steps);
    if (this.moment) this.measure(this.moment);
    this.moment = null;
  }

  /** Show a view's present picture in another rectangle, until it is drawn with new ranges. */
  drawMoved(view, rectangle) {
    const [left, top, wide, high] = view.box, into = ["left", "top", "width", "height"].map((side) => rectangle[side]);
    this.drawInstead(view, (brush) => {
      for (const image of [this.ground, this.picture.kept]) {
        const scale = (image.naturalWidth ?? image.width) / this.drawing.size[0];
        brush.drawImage(image, left * scale, top * scale, wide * scale, high * scale, ...into);
      }
    });
  }

  /** Show a mesh of a surface with its paths, until it is drawn as the camera now sees it. */
  drawTurned(view) {
    const { trails, iterates } = this.picture.layers[view.layer], { colors } = this.drawing;
    this.drawInstead(view, (brush) => {
      for (const corners of view.mesh()) mark(brush, corners, [[0, 0]], 1, colors.page, colors.quiet, 0.75);
      for (const { trail, points, values } of iterates) {
        const { starts, style, optimizer } = trails[trail], dim = points.length / values.length;
        if (this.picture.hidden.has(optimizer)) continue;
        const lines = Array.from({ length: starts }, () => ({ points: [] }));
        for (let k = 0; k < values.length; k++) {
          const place = view.pixel(points.subarray(k * dim, (k + 1) * dim));
          if (place.every(Number.isFinite)) lines[k % starts].points.push(...place);
        }
        stroke(brush, lines, style.color, style.widths.at(-1), "round");
      }
    });
  }

  /** Draw something in the place of a view's picture. */
  drawInstead(view, draw) {
    if (!this.moved) {
      this.transport.setPlaying(false);
      this.picture.keep();
      this.picture.forget();
      this.pointing.forget();
      this.handles.box.hidden = this.moved = true;
    }
    const brush = this.picture.cleared(this.canvas);
    brush.drawImage(this.picture.kept, 0, 0, ...this.drawing.size);
    this.picture.clipped(brush, view, () => {
      brush.fillStyle = this.drawing.colors.page;
      brush.fillRect(...view.box);
      draw(brush);
    });
  }

  /** Measure the time from an event to the moment at which the frame that shows its first segment is painted. */
  measure(start) {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => performance.measure("segment", { start, end: performance.now() });
    channel.port2.postMessage(null);
  }
}
