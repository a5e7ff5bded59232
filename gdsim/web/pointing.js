// What is told of a place in a picture: the figures of an iterate or of a cell of a map, and the run of a cell. This is
// an ES module, which a page contains in one element with its own script.

import { drawRun } from "./images.js";
import { indexAt, interpolate, lowest, written } from "./numbers.js";
import { within } from "./shapes.js";

const REACH = 22;  // CSS pixels within which an iterate is pointed at, the width of a finger

export const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

/** Return a template with its values filled in. */
export function filled(template, values = {}) {
  return template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Return an element with a class and children. */
export function make(tag, className, ...children) {
  const made = Object.assign(document.createElement(tag), { className });
  made.append(...children);
  return made;
}

function tuple(numbers) {
  return numbers.length > 1 ? `(${numbers.map((each) => written(each)).join(", ")})` : written(numbers[0]);
}

function setTerms(list, terms) {
  list.replaceChildren(...Object.entries(terms).flatMap(([term, words]) => [make("dt", "", term), make("dd", "", words)]));
}

const sentence = ({ name, terms }) => `${name}: ${Object.entries(terms).map((each) => each.join(" ")).join(", ")}`;

export class Pointing {
  // The picture is in the element `stage`. Functions of the host: `say(template, values)` translates; `tell(words)` tells
  // screen readers; `now()` is the time; and `rests()` is whether the picture is drawn at this time.
  constructor(stage, picture, host) {
    Object.assign(this, { stage, picture, host, say: host.say, pointed: null, holds: [] });
    this.tip = stage.appendChild(make("div", "tip", make("p"), make("dl")));
    this.card = stage.appendChild(this.emptyCard());
    for (const type of ["pointermove", "pointerdown"]) stage.addEventListener(type, (event) => this.point(event));
    stage.addEventListener("pointercancel", () => this.unpoint());
    stage.addEventListener("pointerleave", ({ pointerType }) => {
      // A touch ends immediately, so its result remains until the next touch elsewhere.
      if (pointerType !== "touch") this.unpoint();
    });
    stage.addEventListener("click", (event) => {
      if (!this.card.contains(event.target)) this.showRun(...picture.placeOf(event));
    });
    this.place();
  }

  emptyCard() {
    const close = Object.assign(make("button", "close", "×"), { type: "button", title: this.say("Close") });
    const image = Object.assign(document.createElement("img"), { alt: "", draggable: false });
    close.setAttribute("aria-label", close.title);
    close.addEventListener("click", () => this.hideRun());
    const caption = make("figcaption", "", make("p"), make("dl"));
    return make("figure", "run", close, caption, make("div", "", image, make("canvas")));
  }

  /** Follow another drawing of the picture. */
  place() {
    this.forget();
    this.card.hidden = true;
    for (const hold of this.holds) hold.remove();
    this.holds = this.picture.maps.map((map) => this.holdOf(map));
    this.stage.append(...this.holds);
  }

  // Figures of iterates.

  /** Return the layer, the trail and the iterates of each path that is shown. */
  paths() {
    const { layers, hidden } = this.picture;
    return layers.flatMap((layer) => layer.iterates.map((iterates) => (
      { layer, iterates, trail: layer.trails[iterates.trail] }
    ))).filter(({ trail }) => !hidden.has(trail.optimizer));
  }

  /** Return the figures of an iterate, given the row of its step and the start. */
  known({ layer, iterates, trail }, row, start) {
    const { drawing: { optimizers, groups } } = this.picture, { starts, optimizer } = trail;
    const count = iterates.gradients.length / iterates.values.length;
    const k = row * starts + start, part = (values) => tuple([...values.subarray(k * count, (k + 1) * count)]);
    const { label, color } = optimizers[optimizer], where = groups[layer.group];
    const name = where ? this.say("{what} on {where}", { what: label, where }) : label;
    return {
      name: starts > 1 ? this.say("{name}, start {n}", { name, n: start + 1 }) : name,
      color,
      step: iterates.steps[row],
      point: part(iterates.points),
      value: written(iterates.values[k]),
      gradient: part(iterates.gradients),
      words: layer.terms,
    };
  }

  /** Return the figures of each path at a time, of its lowest start. */
  rows(time) {
    return this.paths().map((path) => {
      const row = indexAt(path.iterates.steps, Math.floor(time));
      return this.known(path, row, lowest(path.iterates, row, path.trail.starts));
    });
  }

  /** Return the figures of the first paths as sentences. */
  told(time) {
    const onPlane = this.say("spot on the plane");
    return this.rows(time).slice(0, 8).map(({ name, words: [spot, value, gradient], ...each }) => {
      const place = `${spot === onPlane ? spot : this.say("at")} ${each.point}`;
      return `${name}: ${place}, ${value} ${each.value}, ${gradient} ${each.gradient}.`;
    });
  }

  /** Return what the tip tells of an iterate. */
  iterate(path, row, start) {
    const { trail, iterates, layer } = path, found = this.known(path, row, start), [spot, value, gradient] = found.words;
    const figures = { [spot]: found.point, [value]: found.value, [gradient]: found.gradient };
    const place = trail.at(start, iterates.steps[row]), isSeen = within(layer.box, ...place);
    const radius = isSeen ? 0.62 * trail.style.headSize : 0;
    return { ...found, terms: { [this.say("step")]: found.step, ...figures }, place, radius };
  }

  nearest(x, y, time) {
    let best = null, reach = REACH * this.picture.drawing.size[0] / this.stage.clientWidth;
    for (const path of this.paths().filter(({ layer }) => within(layer.box, x, y))) {
      const { layer, iterates, trail } = path;
      for (let row = 0; row < iterates.steps.length && iterates.steps[row] <= time; row++) {
        for (let start = 0; start < trail.starts; start++) {
          if (iterates.steps[row] > iterates.ends[start]) continue;
          const at = trail.at(start, iterates.steps[row]), away = Math.hypot(at[0] - x, at[1] - y);
          if (away >= reach || !within(layer.box, ...at)) continue;
          reach = away;
          best = [path, row, start];
        }
      }
    }
    return best && this.iterate(...best);
  }

  /** Point at the head of the next path, or with -1 of the one before; it is followed in time. */
  next(step) {
    const heads = this.paths().flatMap((path) => (
      Array.from({ length: path.trail.starts }, (_, start) => ({ path, start }))
    ));
    if (!heads.length || !this.host.rests()) return;
    const { head } = this.pointed ?? {};
    const i = heads.findIndex(({ path, start }) => path.trail === head?.path.trail && start === head.start);
    const k = (i < 0 ? Math.min(step, 0) : i + step) + heads.length;
    this.show(this.headAt(heads[k % heads.length], this.host.now()));
    this.host.tell(`${sentence(this.pointed)}.`);
  }

  /** Return what is told of a head at a time. */
  headAt(head, time) {
    const { path, start } = head, row = indexAt(path.iterates.steps, Math.min(time, path.iterates.ends[start]));
    return { ...this.iterate(path, row, start), head, at: (later) => this.headAt(head, later) };
  }

  // Figures of cells.

  mapAt(x, y) {
    return this.picture.maps.find(({ box }) => within(box, x, y));
  }

  /** Describe the cell of a map that is at a position, as `iterate` does an iterate. */
  cellAt(map, x, y, time) {
    const cell = map.cellAt(x, y, time), found = this.described(map, cell), [, , width] = map.boxOf(cell.at(-1), time);
    const shown = { place: map.centerOf(cell, time), radius: Math.max(width / map.shape[0], 8) / 2, step: 0 };
    // The cells of a zoom move.
    return { ...found, ...shown, at: map.center && ((later) => this.cellAt(map, x, y, later)) };
  }

  described(map, cell) {
    const { label, axes, categories, caption, unknown } = map, k = map.index(cell), value = map.values[k];
    const text = Number.isNaN(value) ? unknown : categories.length ? categories[value] : written(value);
    const begins = categories.length && !Number.isNaN(value) && map.appears.length;
    const settings = map.settings(cell), digits = 4 + Math.ceil(Math.log10(2) * cell.at(-1));
    return {
      name: [label, ...axes.map(({ name }, i) => `${name} ${written(settings[i], digits)}`)].filter(Boolean).join(", "),
      color: this.picture.drawing.colors.quiet,
      terms: { [caption]: text, ...(begins ? { [this.say("from step")]: map.appears[k] } : {}) },
    };
  }

  /** Return an element over a map whose cells are reached with the keyboard. */
  holdOf(map) {
    const hold = Object.assign(make("div", "map"), { tabIndex: 0 }), [left, top, width, height] = map.box;
    const name = [map.label, map.caption].filter(Boolean).join(", ");
    let place = [left + width / 2, top + height / 2];
    const tell = () => {
      this.show(this.cellAt(map, ...place, this.host.now()));
      this.host.tell(`${sentence(this.pointed)}.`);
    };
    hold.setAttribute("role", "application");
    const words = [this.say("{name}: arrows move", { name }), this.say("{name}: arrows move, enter shows a run", { name })];
    hold.setAttribute("aria-label", words[Number(!map.center)]);
    this.picture.setBox(hold, map.box);
    hold.addEventListener("focus", () => { if (hold.matches(":focus-visible")) tell(); });
    hold.addEventListener("keydown", (event) => {
      const move = MOVES[event.key], far = event.shiftKey ? 10 : 1;
      if (!move && event.key !== "Enter") return;
      event.preventDefault();
      event.stopPropagation();
      if (!move) return this.showRun(...place);
      const now = this.host.now(), cell = map.cellAt(...place, now), [, , wide, high] = map.boxOf(cell.at(-1), now);
      const [x, y] = map.centerOf(cell, now);
      place = [x + far * move[0] * wide / map.shape[0], y - far * move[1] * high / map.shape[1]];
      place = place.map((each, i) => Math.min(Math.max(each, map.box[i]), map.box[i] + map.box[i + 2]));
      tell();
    });
    return hold;
  }

  // Runs of cells.

  /** Show the run of the stored cell of a map that is nearest to a position, or none. */
  showRun(x, y) {
    const { picture, say } = this, map = this.mapAt(x, y), { runs, maps } = picture;
    if (!map || !runs) return this.hideRun();
    const run = runs.at(maps.indexOf(map), map.number, map.cellAt(x, y)), center = map.centerOf(run.cell);
    const told = this.described(map, run.cell), { name, terms } = told;
    picture.run = { ...run, center };
    if (runs.picture) {
      this.forget();
      this.drawCard(run, told, center[0] / picture.drawing.size[0]);
    }
    const what = Object.entries(terms).map((each) => each.join(" ")).join(", ");
    this.host.tell(say("The run of {name}: {what}.", { name, what }));
    picture.draw(this.host.now());
  }

  /** Draw a run in a picture of its own, beside the place on the map, of which the share of the width is given. */
  drawCard(run, { name, terms }, share) {
    const { card, picture: { drawing: { colors, markers }, runs } } = this, { background, size: [width, height] } = runs.picture;
    const canvas = card.querySelector("canvas"), brush = canvas.getContext("2d");
    Object.assign(card.querySelector("img"), { src: background, width, height });
    card.querySelector("p").textContent = name;
    setTerms(card.querySelector("dl"), terms);
    card.hidden = false;
    card.classList.toggle("left", share > 0.5);
    canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
    canvas.height = Math.round(canvas.width * height / width);
    brush.scale(canvas.width / width, canvas.height / height);
    drawRun(brush, run, colors, markers.o);
  }

  hideRun() {
    if (!this.picture.run) return;
    this.picture.run = null;
    this.card.hidden = true;
    this.picture.draw(this.host.now());
  }

  // The tip.

  point(event) {
    if (!this.host.rests() || this.card.contains(event.target)) return;
    const place = this.picture.placeOf(event), time = this.host.now(), map = this.mapAt(...place);
    this.show(this.nearest(...place, time) ?? (map ? this.cellAt(map, ...place, time) : null));
  }

  /** Show the figures of what is pointed at, or none. */
  show(found) {
    const { tip, picture } = this;
    if (!found && !this.pointed) return;
    this.pointed = found;
    picture.ring = found?.radius ? found : null;
    tip.hidden = !found;
    if (found) {
      const [name, terms] = tip.children, [x, y] = found.place.map((side, i) => side / picture.drawing.size[i]);
      const limited = (share) => `${100 * Math.min(Math.max(share || 0, 0), 1)}%`;
      name.textContent = found.name;
      tip.style.setProperty("--color", found.color);
      setTerms(terms, found.terms);
      Object.assign(tip.style, { left: limited(x), top: limited(y) });
      tip.classList.toggle("left", x > 0.5);
      tip.classList.toggle("above", y > 0.5);
    }
    picture.draw(this.host.now());
  }

  forget() {
    this.pointed = this.picture.ring = null;
    this.tip.hidden = true;
  }

  unpoint() {
    this.show(null);
  }

  /** Follow the time: a head and a cell of a zoom are told anew, and an iterate that is not yet reached is not. */
  follow(time) {
    if (this.pointed?.at) this.show(this.pointed.at(time));
    else if (this.pointed?.step > time) this.unpoint();
  }
}

/** The cursors of panels, which follow the time and can be dragged. */
export class Cursors {
  /** `go(time)` shows a time. */
  constructor(stage, picture, go) {
    Object.assign(this, { stage, picture, go, list: [] });
    this.place();
  }

  /** Follow another drawing of the picture. */
  place() {
    for (const { line, hold } of this.list) for (const each of [line, hold]) each.remove();
    this.list = this.picture.layers.filter(({ cursor }) => cursor).map((layer) => this.cursorOf(layer));
    this.stage.append(...this.list.flatMap(({ line, hold }) => [line, hold]));
  }

  cursorOf({ box, cursor }) {
    const { picture } = this, hold = make("div", "hold"), line = make("div", "cursor");
    picture.setBox(hold, box);
    picture.setBox(line, [NaN, box[1], NaN, box[3]]);
    line.style.setProperty("--color", picture.drawing.colors.quiet);
    const drag = (event) => {
      if (event.buttons & 1) this.go(interpolate(cursor.places, cursor.times, picture.placeOf(event)[0]));
    };
    hold.addEventListener("pointerdown", (event) => {
      hold.setPointerCapture(event.pointerId);
      drag(event);
    });
    hold.addEventListener("pointermove", drag);
    return { line, hold, cursor };
  }

  follow(time) {
    const [width] = this.picture.drawing.size;
    for (const { line, cursor } of this.list) {
      line.style.left = `${100 * interpolate(cursor.times, cursor.places, time) / width}%`;
    }
  }
}
