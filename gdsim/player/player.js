"use strict";

const scene = JSON.parse(document.getElementById("gdsim-scene").textContent);
const element = (id) => document.getElementById(id);
const still = matchMedia("(prefers-reduced-motion: reduce)");

// Long rows of numbers come as base64, in the order in which they lie in memory.

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function floats(text) {
  return new Float32Array(bytes(text).buffer);
}

/** The index of the last of some rising numbers that is not above one; the first where all are. */
function before(times, time) {
  let low = 0, high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return Math.max(low - 1, 0);
}

/** What numbers of some rising times come to at a time: between two of them in proportion. */
function between(times, values, time) {
  const i = before(times, time), next = Math.min(i + 1, times.length - 1), gap = times[next] - times[i];
  return gap > 0 && time > times[i] ? values[i] + (time - times[i]) / gap * (values[next] - values[i]) : values[i];
}

// The paths. All lengths are pixels of the picture as it was planned; the canvas is scaled to what it has.

/** Browsers lose count of dashes on lines that leave for very far away: they are cut where nobody sees it. */
const FAR = 2 * Math.max(...scene.size);

/** The shares of a segment between which it lies near the picture, or null where it does not. */
function near(ax, ay, bx, by) {
  let enter = 0, leave = 1;
  for (const [from, move] of [[ax, bx - ax], [ay, by - ay]]) {
    if (move === 0) {
      if (Math.abs(from) > FAR) return null;
      continue;
    }
    const one = (-FAR - from) / move, other = (FAR - from) / move;
    enter = Math.max(enter, Math.min(one, other));
    leave = Math.min(leave, Math.max(one, other));
  }
  return enter < leave ? [enter, leave] : null;
}

function isFar(x, y) {
  return Math.abs(x) > FAR || Math.abs(y) > FAR;
}

function trace(brush, pieces) {
  brush.beginPath();
  for (const { points } of pieces) {
    brush.moveTo(points[0], points[1]);
    for (let i = 2; i < points.length; i += 2) brush.lineTo(points[i], points[i + 1]);
  }
}

function stroke(brush, pieces, color, width, cap, alpha = 1) {
  brush.strokeStyle = color;
  brush.lineWidth = width;
  brush.lineCap = cap;
  brush.globalAlpha = alpha;
  trace(brush, pieces);
  brush.stroke();
}

function strokeDashed(brush, pieces, color, width, dash, alpha) {
  brush.setLineDash(dash);
  for (const piece of pieces) {
    brush.lineDashOffset = piece.run;
    stroke(brush, [piece], color, width, "butt", alpha);
  }
  brush.setLineDash([]);
}

/** A filled shape on every spot. All edges lie under all shapes, or one would rub out its neighbour. */
function mark(brush, marker, spots, size, color, edge, edgeWidth, alpha = 1) {
  if (!spots.length) return;
  const shape = scene.shapes[marker];
  brush.beginPath();
  for (const [x, y] of spots) {
    shape.forEach(([across, down], i) => {
      if (i === 0) brush.moveTo(x + size * across, y + size * down);
      else brush.lineTo(x + size * across, y + size * down);
    });
    brush.closePath();
  }
  paint(brush, color, edge, edgeWidth, alpha);
}

/** Fill the shapes that were begun, over their edges. */
function paint(brush, color, edge, edgeWidth, alpha) {
  brush.globalAlpha = alpha;
  brush.fillStyle = brush.strokeStyle = edge;
  brush.lineWidth = 2 * edgeWidth;
  brush.lineCap = "butt";
  brush.fill();
  brush.stroke();
  brush.fillStyle = color;
  brush.fill();
}

class Trail {
  constructor(record) {
    Object.assign(this, record);
    this.color = scene.styles[record.style].color;
    this.marker = scene.styles[record.style].marker;
    this.times = floats(record.times);
    this.spots = floats(record.spots);
    this.whole = floats(record.whole);
    this.veiled = record.veiled && bytes(record.veiled);
    this.slopes = record.slopes && floats(record.slopes);
    this.count = this.times.length;
    this.runs = record.ink.dash.length ? this.measured() : null;
    this.forget();
  }

  /** How far each path has come in its dashes at each place. */
  measured() {
    const runs = new Float64Array(this.starts * this.count);
    for (let k = 1; k < runs.length; k++) {
      const way = Math.hypot(this.spots[2 * k] - this.spots[2 * k - 2], this.spots[2 * k + 1] - this.spots[2 * k - 1]);
      runs[k] = k % this.count ? runs[k - 1] + (way || 0) : 0;
    }
    return runs;
  }

  /** Begin anew: nothing stands on the kept layer. */
  forget() {
    this.kept = 0;
    this.stretches = 0;
  }

  /** Where a path is at a time, between two places on the segment between them. */
  at(start, time) {
    const i = before(this.times, time), k = start * this.count + i, x = this.spots[2 * k], y = this.spots[2 * k + 1];
    if (i === this.count - 1 || time <= this.times[i]) return [x, y];
    const share = (time - this.times[i]) / (this.times[i + 1] - this.times[i]);
    return [x + share * (this.spots[2 * k + 2] - x), y + share * (this.spots[2 * k + 3] - y)];
  }

  /** Whether something hides the segment of a path that begins at a place. */
  hides(start, i) {
    if (!this.veiled) return false;
    const first = start * this.count;
    return Boolean(this.veiled[first + i] || this.veiled[first + Math.min(i + 1, this.count - 1)]);
  }

  hidesAt(start, time) {
    const i = before(this.times, time);
    return this.times[i] === time ? Boolean(this.veiled?.[start * this.count + i]) : this.hides(start, i);
  }

  /** What is seen of a path between two times, or of it what is hidden: lines, and how far they are in their dashes. */
  pieces(start, begin, end, hidden) {
    const first = before(this.times, begin), last = before(this.times, end), base = start * this.count;
    const found = [];
    let piece = null, [ax, ay] = this.at(start, begin);
    const tail = this.runs ? Math.hypot(ax - this.spots[2 * (base + first)], ay - this.spots[2 * (base + first) + 1]) : 0;
    for (let i = first; i <= last; i++) {
      const k = 2 * (base + i + 1);
      const [bx, by] = i === last ? this.at(start, end) : [this.spots[k], this.spots[k + 1]];
      const run = this.runs ? this.runs[base + i] + (i === first ? tail || 0 : 0) : 0;
      if (Number.isNaN(ax + ay + bx + by) || this.hides(start, i) !== hidden) piece = null;
      else if (isFar(ax, ay) || isFar(bx, by)) {
        piece = null;
        this.cut(found, ax, ay, bx, by, run);
      } else {
        if (!piece) found.push(piece = { points: [ax, ay], run });
        piece.points.push(bx, by);
      }
      [ax, ay] = [bx, by];
    }
    return found;
  }

  /** Add the part of a long segment that comes near the picture. */
  cut(found, ax, ay, bx, by, run) {
    const shares = near(ax, ay, bx, by);
    if (!shares) return;
    const points = shares.flatMap((share) => [ax + share * (bx - ax), ay + share * (by - ay)]);
    found.push({ points, run: run + shares[0] * Math.hypot(bx - ax, by - ay) });
  }

  all(begin, end, hidden) {
    const found = [];
    for (let start = 0; start < this.starts; start++) found.push(...this.pieces(start, begin, end, hidden));
    return found;
  }

  /** The iterates in plain sight from one time up to but not at another. */
  dots(begin, end) {
    const found = [];
    for (let i = 0; i < this.count && this.times[i] < end; i++) {
      if (this.times[i] < begin || this.times[i] % 1) continue;
      for (let k = i; k < this.starts * this.count; k += this.count) {
        if (!this.veiled?.[k] && Number.isFinite(this.spots[2 * k] + this.spots[2 * k + 1])) {
          found.push([this.spots[2 * k], this.spots[2 * k + 1]]);
        }
      }
    }
    return found;
  }

  drawPlain(brush, begin, end, alpha) {
    const { ink, color } = this, pieces = this.all(begin, end, false);
    if (ink.dash.length) strokeDashed(brush, pieces, color, ink.width, ink.dash, alpha);
    else stroke(brush, pieces, color, ink.width, alpha === 1 ? "round" : "butt", alpha);
    if (ink.dot) mark(brush, "o", this.dots(begin, end), ink.dot, color, ink.casing, ink.dot / 6, alpha);
  }

  drawVeiled(brush, begin, end, alpha) {
    const { ink } = this;
    if (!this.veiled || !ink.veil) return;
    stroke(brush, this.all(begin, end, true), this.color, 0.75 * ink.width, "butt", alpha * ink.veil);
  }

  /** The path from where it is kept; what is kept gets its colour once more, or the new border would cut it. */
  drawPath(brush, time) {
    if (this.fade !== null) return this.drawFading(brush, time);
    const { ink } = this, from = this.times[this.kept];
    this.drawVeiled(brush, from, time, ink.alpha);
    if (ink.border) {
      stroke(brush, this.all(from, time, false), ink.casing, ink.width + 2 * ink.border, "butt");
    }
    const back = ink.border ? this.times[Math.max(this.kept - scene.overlap, 0)] : from;
    return this.drawPlain(brush, back, time, ink.alpha);
  }

  /** The last steps of the path in bands, each fainter than the one after it. */
  drawFading(brush, time) {
    for (let band = scene.bands; band > 0; band--) {
      const begin = Math.max(time - this.fade * band / scene.bands, this.times[0]);
      const end = Math.max(time - this.fade * (band - 1) / scene.bands, this.times[0]);
      if (begin >= end) continue;
      const alpha = this.ink.alpha * (scene.bands + 1 - band) / scene.bands;
      this.drawVeiled(brush, begin, end, alpha);
      this.drawPlain(brush, begin, end, alpha);
    }
  }

  drawHeads(brush, time) {
    const { ink } = this, seen = [], hidden = [];
    for (let start = 0; start < this.starts; start++) {
      const spot = this.at(start, time);
      if (Number.isNaN(spot[0] + spot[1]) || isFar(...spot)) continue;
      (this.hidesAt(start, time) ? hidden : seen).push(spot);
    }
    for (const [spots, alpha] of [[hidden, ink.alpha * ink.veil], [seen, ink.alpha]]) {
      if (alpha) mark(brush, this.marker, spots, ink.head, this.color, ink.casing, 0.12 * ink.head, alpha);
    }
  }
}

// What rides on the heads.

/** The tangent at a curve's heads, and a thin line down from each to its foot. */
function drawTangents(brush, pane, path, foot, time) {
  const { reach, width, foot: thin, faint } = scene.tangent, i = before(path.times, time);
  const next = Math.min(i + 1, path.count - 1), gap = path.times[next] - path.times[i];
  const share = gap ? (time - path.times[i]) / gap : 0, lines = [], tangents = [];
  for (let start = 0; start < path.starts; start++) {
    const head = path.at(start, time), base = start * path.count;
    if (!within(pane.box, ...head)) continue;
    const here = path.slopes[base + i], slope = share ? here + share * (path.slopes[base + next] - here) : here;
    const across = reach / Math.hypot(1, slope), down = slope * across;
    lines.push({ points: [...head, ...foot.at(start, time)] });
    if (Number.isFinite(slope)) {
      tangents.push({ points: [head[0] - across, head[1] - down, head[0] + across, head[1] + down] });
    }
  }
  stroke(brush, lines, path.color, thin, "butt", faint);
  stroke(brush, tangents, path.color, width, "round");
}

/** Arrows, each from its tail by a move; those too short to be seen as arrows are left out. */
function drawArrows(brush, arrows, thick, color, edge) {
  brush.beginPath();
  for (const [x, y, across, down] of arrows) {
    const length = Math.hypot(across, down);
    if (!(length >= scene.arrow.shortest)) continue;
    const ux = across / length, uy = down / length, head = Math.min(5.5 * thick, 0.6 * length);
    const shaft = head / 11, neck = length - head, wing = 0.42 * head;
    const corners = [[0, -shaft], [neck, -shaft], [neck, -wing], [length, 0], [neck, wing], [neck, shaft], [0, shaft]];
    corners.forEach(([along, aside], i) => {
      const spot = [x + along * ux - aside * uy, y + along * uy + aside * ux];
      if (i === 0) brush.moveTo(...spot);
      else brush.lineTo(...spot);
    });
    brush.closePath();
  }
  paint(brush, color, edge, scene.arrow.edge, 1);
}

/** Uphill and downhill at the iterate that was reached last, and on top of these the step really taken. */
function drawVectors(brush, pane, vectors, time) {
  const trail = pane.trails[vectors.trace], row = before(vectors.steps, Math.floor(time)), step = vectors.steps[row];
  const uphill = [], downhill = [], taken = [];
  for (let start = 0; start < trail.starts; start++) {
    const k = 2 * (row * trail.starts + start), across = vectors.uphill[k], down = vectors.uphill[k + 1];
    if (Number.isNaN(across + down)) continue;
    const tail = trail.at(start, step), tip = trail.at(start, step + 1);
    uphill.push([...tail, across, down]);
    downhill.push([...tail, -across, -down]);
    if (Number.isNaN(tip[0] + tip[1]) || trail.hidesAt(start, step + 1)) continue;
    taken.push([...tail, tip[0] - tail[0], vectors.level ? 0 : tip[1] - tail[1]]);
  }
  const { colors, arrow } = scene;
  drawArrows(brush, uphill, arrow.width, colors.text, colors.casing);
  drawArrows(brush, downhill, arrow.width, colors.page, colors.text);
  drawArrows(brush, taken, arrow.step, trail.color, colors.casing);
}

/** A piece of the sheet: words and digits are set by the same type as the rest of the picture. */
function drawSprite(brush, sprite, shift = 0) {
  const { left, top, row, width, height } = sprite, { scale } = scene;
  brush.globalAlpha = 1;
  brush.drawImage(sheet, 0, row, width, height, left + shift, top, width / scale, height / scale);
}

function drawSign(brush, sign, time) {
  const count = sign.times[0] <= time ? before(sign.times, time) + 1 : 0;
  const spots = Array.from({ length: count }, (_, i) => [sign.spots[2 * i], sign.spots[2 * i + 1]]);
  const { color } = scene.styles[sign.style];
  mark(brush, sign.marker, spots, sign.size, color, scene.colors.casing, 0.14 * sign.size);
  if (sign.words && count) drawSprite(brush, sign.words);
}

function drawCounter(brush, time) {
  const { pitch, signs } = scene.digits, number = [...String(Math.floor(time))];
  number.forEach((digit, i) => {
    // As in a frame, whose digits stand on whole pixels.
    drawSprite(brush, signs[digit], -Math.round((number.length - 1 - i) * pitch));
  });
}

// The picture: a ground that stands still, a layer on which whole stretches are kept, and one drawn anew each time.

const picture = element("picture"), keptLayer = element("kept"), liveLayer = element("live");
const sheet = new Image();
const hidden = new Set();
const panes = scene.panes.map((record) => ({
  ...record,
  trails: record.traces.map((each) => new Trail(each)),
  rail: record.rail && { times: floats(record.rail.times), places: floats(record.rail.places) },
  figures: record.figures.map((each) => ({
    ...each,
    steps: floats(each.steps),
    points: floats(each.points),
    values: floats(each.values),
    gradients: floats(each.gradients),
  })),
  vectors: record.vectors.map((each) => ({ ...each, steps: floats(each.steps), uphill: floats(each.uphill) })),
  signs: record.signs.map((each) => ({ ...each, times: floats(each.times), spots: floats(each.spots) })),
}));
const pairs = panes.flatMap((pane) => pane.trails.map((trail) => ({ pane, trail })));
let keptUntil = 0, pointed = null;

function within([left, top, width, height], x, y) {
  return x >= left && x <= left + width && y >= top && y <= top + height;
}

function clipped(brush, pane, draw) {
  brush.save();
  brush.beginPath();
  brush.rect(...pane.box);
  brush.clip();
  draw();
  brush.restore();
}

function wiped(canvas) {
  const brush = canvas.getContext("2d");
  brush.setTransform(1, 0, 0, 1, 0, 0);
  brush.clearRect(0, 0, canvas.width, canvas.height);
  brush.setTransform(canvas.width / scene.size[0], 0, 0, canvas.height / scene.size[1], 0, 0);
  brush.lineJoin = "round";
  return brush;
}

function forget() {
  for (const { trail } of pairs) trail.forget();
  wiped(keptLayer);
  keptUntil = 0;
}

/** Draw what has become whole onto the kept layer, in the order in which it did: who crosses whom stays the same. */
function keep(time) {
  if (time < keptUntil) forget();
  keptUntil = time;
  const brush = keptLayer.getContext("2d");
  for (;;) {
    let next = null;
    for (const pair of pairs) {
      const whole = pair.trail.whole[pair.trail.stretches];
      if (whole <= time && !hidden.has(pair.trail.style) && (!next || whole < next.whole)) next = { ...pair, whole };
    }
    if (!next) return;
    clipped(brush, next.pane, () => next.trail.drawPath(brush, next.whole));
    next.trail.kept = before(next.trail.times, next.whole);
    next.trail.stretches += 1;
  }
}

function drawOver(brush, pane, time) {
  const { trails } = pane;
  trails.forEach((trail, i) => {
    if (trail.slopes && !hidden.has(trail.style)) drawTangents(brush, pane, trail, trails[i + 1], time);
  });
  for (const each of pane.vectors) {
    if (!hidden.has(trails[each.trace].style)) drawVectors(brush, pane, each, time);
  }
  for (const trail of trails) if (!hidden.has(trail.style)) trail.drawHeads(brush, time);
  for (const sign of pane.signs) if (!hidden.has(sign.style)) drawSign(brush, sign, time);
}

/** A ring around the iterate that is asked for. */
function drawPointed(brush) {
  const [x, y] = pointed.spot;
  for (const [color, width] of [[scene.colors.casing, 4.5], [scene.colors.text, 2]]) {
    brush.globalAlpha = 1;
    brush.strokeStyle = color;
    brush.lineWidth = width;
    brush.beginPath();
    brush.arc(x, y, pointed.size, 0, 2 * Math.PI);
    brush.stroke();
  }
}

/** What is not whole yet, and all that rides on it. */
function drawRest(brush, time) {
  for (const { pane, trail } of pairs) {
    if (!hidden.has(trail.style)) clipped(brush, pane, () => trail.drawPath(brush, time));
  }
  for (const pane of panes) clipped(brush, pane, () => drawOver(brush, pane, time));
  if (scene.digits) drawCounter(brush, time);
  if (pointed) drawPointed(brush);
}

function drawFrame(time) {
  if (!liveLayer.width) return;
  keep(time);
  drawRest(wiped(liveLayer), time);
}

/** All as one picture: browsers print a canvas as what was ever drawn on it, the wiping included. */
function takePoster(time) {
  forget();
  const brush = keptLayer.getContext("2d");
  brush.drawImage(element("ground"), 0, 0, ...scene.size);
  keep(time);
  drawRest(brush, time);
  element("poster").src = keptLayer.toDataURL("image/webp", 0.95);
}

/** Give the canvases as many dots as the screen has, or as the paper is worth. */
function measure(density = devicePixelRatio) {
  const width = Math.min(Math.round(picture.clientWidth * density), 3840);
  if (!width) return;
  for (const canvas of [keptLayer, liveLayer]) {
    canvas.width = width;
    canvas.height = Math.round(width * scene.size[1] / scene.size[0]);
  }
  forget();
  drawFrame(now());
}

// Time. A place counts frames, with a fraction; the last frame stands for a while before all begins anew.

const frames = floats(scene.frames), last = frames.length - 1, end = last + scene.hold * scene.fps;
const order = Float32Array.from(frames, (_, i) => i);
const scrub = element("scrub"), play = element("play"), loop = element("loop"), speed = element("speed");
let place = still.matches ? last : 0, playing = false, ticked = 0, shown = null;

function now() {
  return between(order, frames, Math.min(place, last));
}

function show() {
  const time = now(), step = Math.floor(time);
  drawFrame(time);
  scrub.value = time;
  scrub.style.setProperty("--share", time / Math.max(scene.steps, 1));
  for (const { line, rail } of cursors) line.style.left = `${100 * between(rail.times, rail.places, time) / scene.size[0]}%`;
  if (step === shown) return;
  shown = step;
  scrub.setAttribute("aria-valuetext", `step ${step} of ${scene.steps}`);
  element("step").textContent = step;
  tell(time);
}

function tick(moment) {
  if (!playing) return;
  // After the page was out of sight the animation goes on where it was.
  place += Math.min((moment - ticked) / 1000, 0.1) * scene.fps * Number(speed.value);
  ticked = moment;
  if (place >= end) {
    if (pressed(loop)) place = 0;
    else {
      place = last;
      pause();
    }
  }
  show();
  if (playing) requestAnimationFrame(tick);
}

function setPlaying(wanted) {
  if (wanted && !playing) requestAnimationFrame(tick);
  playing = wanted;
  ticked = performance.now();
  play.classList.toggle("playing", wanted);
  play.setAttribute("aria-label", wanted ? "Pause" : "Play");
  play.title = wanted ? "Pause (space)" : "Play (space)";
}

function start() {
  if (!scene.steps) return;
  if (place >= last) place = 0;
  setPlaying(true);
}

function pause() {
  setPlaying(false);
  announce();
}

/** Stop, and show a time. */
function go(time) {
  setPlaying(false);
  place = between(frames, order, Math.min(Math.max(time, 0), scene.steps));
  show();
  announce();
}

function stepBy(count) {
  const time = now(), rounded = Math.round(time);
  const from = Math.abs(time - rounded) < 1e-3 ? rounded : count > 0 ? Math.floor(time) : Math.ceil(time);
  go(from + count);
}

// What the figures are.

const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 4, useGrouping: false });

function written(number) {
  if (!Number.isFinite(number)) return "not a number";
  const size = Math.abs(number);
  const text = size && (size < 1e-3 || size >= 1e6) ? number.toExponential(2) : digits.format(number);
  return text.replaceAll("-", "−");
}

function tuple(numbers) {
  return numbers.length > 1 ? `(${numbers.map(written).join(", ")})` : written(numbers[0]);
}

/** What is known of an iterate: the row of its step, and which start. */
function known(pane, figures, row, start) {
  const { starts, style } = pane.trails[figures.trace], size = figures.gradients.length / figures.values.length;
  const k = row * starts + start, part = (values) => [...values.subarray(k * size, (k + 1) * size)];
  const name = [scene.styles[style].label, scene.groups[pane.group]].filter(Boolean).join(" on ");
  return {
    name: starts > 1 ? `${name}, start ${start + 1}` : name,
    style,
    step: figures.steps[row],
    point: tuple(part(figures.points)),
    value: written(figures.values[k]),
    gradient: tuple(part(figures.gradients)),
    coordinates: pane.names.length > 1 ? `(${pane.names.join(", ")})` : pane.names[0],
  };
}

/** Of several starts the one whose value is lowest. */
function lowest(figures, row, starts) {
  let best = 0;
  for (let start = 1; start < starts; start++) {
    if (!(figures.values[row * starts + start] >= figures.values[row * starts + best])) best = start;
  }
  return best;
}

function* rows(time) {
  for (const pane of panes) {
    for (const figures of pane.figures) {
      const trail = pane.trails[figures.trace];
      if (hidden.has(trail.style)) continue;
      const row = before(figures.steps, Math.floor(time));
      yield known(pane, figures, row, lowest(figures, row, trail.starts));
    }
  }
}

function cell(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** The table of figures at a step. */
function tell(time) {
  const body = [...rows(time)].map((each) => {
    const row = document.createElement("tr"), head = cell("th", each.name);
    head.scope = "row";
    head.style.setProperty("--color", scene.styles[each.style].color);
    row.append(head, ...[each.point, each.value, each.gradient].map((text) => cell("td", text)));
    return row;
  });
  element("figures").replaceChildren(...body);
  element("at").textContent = Math.floor(time);
}

let announcing = 0;

/** Say the figures to those who do not see them, once the reader has come to rest. */
function announce() {
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    const told = [...rows(now())].slice(0, 8);
    const words = told.map((each) => `${each.name}: at ${each.point}, value ${each.value}, gradient ${each.gradient}.`);
    element("status").textContent = `Step ${Math.floor(now())} of ${scene.steps}. ${words.join(" ")}`;
  }, 500);
}

// The iterate under the pointer.

const tip = element("tip");

/** Where an event happened, in pixels of the picture as it was planned. */
function spotOf(event) {
  const box = picture.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width * scene.size[0], (event.clientY - box.top) / box.height * scene.size[1]];
}

function nearest(x, y, time) {
  // As far as a finger is wide.
  let best = null, room = 22 * scene.size[0] / picture.clientWidth;
  for (const pane of panes.filter((each) => within(each.box, x, y))) {
    for (const figures of pane.figures) {
      const trail = pane.trails[figures.trace];
      if (hidden.has(trail.style)) continue;
      for (let row = 0; row < figures.steps.length && figures.steps[row] <= time; row++) {
        for (let start = 0; start < trail.starts; start++) {
          if (figures.steps[row] > figures.ends[start]) continue;
          const spot = trail.at(start, figures.steps[row]), away = Math.hypot(spot[0] - x, spot[1] - y);
          if (away < room && within(pane.box, ...spot)) {
            room = away;
            best = { pane, figures, row, start, spot, size: 0.62 * trail.ink.head };
          }
        }
      }
    }
  }
  return best;
}

function fill(list, terms) {
  list.replaceChildren(...Object.entries(terms).flatMap(([term, words]) => [cell("dt", term), cell("dd", words)]));
}

function point(event) {
  const found = event.target === tip ? null : nearest(...spotOf(event), now());
  if (!found && !pointed) return;
  pointed = found;
  tip.hidden = !found;
  if (found) {
    const each = known(found.pane, found.figures, found.row, found.start);
    element("tip-name").textContent = each.name;
    tip.style.setProperty("--color", scene.styles[each.style].color);
    fill(element("tip-terms"), {
      step: each.step, [each.coordinates]: each.point, value: each.value, gradient: each.gradient,
    });
    const [x, y] = found.spot.map((side, i) => side / scene.size[i]);
    tip.style.left = `${100 * x}%`;
    tip.style.top = `${100 * y}%`;
    tip.classList.toggle("left", x > 0.5);
    tip.classList.toggle("above", y > 0.5);
  }
  drawFrame(now());
}

function unpoint() {
  pointed = null;
  tip.hidden = true;
  drawFrame(now());
}

// Panels: a line in step with the picture, and dragging.

const cursors = panes.filter((pane) => pane.rail).map((pane) => {
  const [left, top, width, height] = pane.box, hold = document.createElement("div"), line = document.createElement("div");
  const share = (length, side) => `${100 * length / scene.size[side]}%`;
  hold.className = "hold";
  line.className = "cursor";
  for (const each of [hold, line]) Object.assign(each.style, { top: share(top, 1), height: share(height, 1) });
  Object.assign(hold.style, { left: share(left, 0), width: share(width, 0) });
  line.style.setProperty("--color", scene.colors.quiet);
  const drag = (event) => go(between(pane.rail.places, pane.rail.times, spotOf(event)[0]));
  hold.addEventListener("pointerdown", (event) => {
    hold.setPointerCapture(event.pointerId);
    drag(event);
  });
  hold.addEventListener("pointermove", (event) => {
    if (event.buttons) drag(event);
  });
  picture.append(line, hold);
  return { line, rail: pane.rail };
});

// Controls.

function pressed(button) {
  return button.getAttribute("aria-pressed") === "true";
}

function toggle(button) {
  button.setAttribute("aria-pressed", String(!pressed(button)));
}

for (const chip of document.querySelectorAll(".chip")) {
  chip.addEventListener("click", () => {
    toggle(chip);
    const style = Number(chip.dataset.style);
    if (pressed(chip)) hidden.delete(style);
    else hidden.add(style);
    unpoint();
    forget();
    shown = null;
    show();
  });
}

play.addEventListener("click", () => playing ? pause() : start());
element("first").addEventListener("click", () => go(0));
element("back").addEventListener("click", () => stepBy(-1));
element("forth").addEventListener("click", () => stepBy(1));
element("last").addEventListener("click", () => go(scene.steps));
loop.addEventListener("click", () => toggle(loop));
scrub.addEventListener("input", () => go(Number(scrub.value)));
picture.addEventListener("pointermove", point);
picture.addEventListener("pointerdown", point);
picture.addEventListener("pointerleave", unpoint);

const KEYS = {
  ArrowLeft: (event) => stepBy(event.shiftKey ? -10 : -1),
  ArrowRight: (event) => stepBy(event.shiftKey ? 10 : 1),
  Home: () => go(0),
  End: () => go(scene.steps),
  Escape: () => unpoint(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, pre")) return;
  const button = event.target.closest("button, summary");
  const action = event.key === " " && !button ? () => play.click() : KEYS[event.key];
  if (!action) return;
  if (event.key !== "Escape") event.preventDefault();
  action(event);
});

// The whole screen, where a page may ask for it.

const full = element("full"), player = element("player");
full.hidden = !document.fullscreenEnabled;
full.addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else player.requestFullscreen().catch(() => {});
});

// Within another page there is room for the picture alone; the rest is shown when it is asked for.

const more = element("more");
document.documentElement.classList.toggle("embedded", window.self !== window.top);
more.addEventListener("click", () => {
  toggle(more);
  document.documentElement.classList.toggle("open", pressed(more));
  element(pressed(more) ? "details" : "player").scrollIntoView({ behavior: still.matches ? "auto" : "smooth" });
});

// The configuration.

/** Copy by the old way where the new one is closed to a page, as it is in many an iframe. */
function copiedOld(source) {
  getSelection().selectAllChildren(source);
  return document.execCommand("copy");
}

element("copy")?.addEventListener("click", async (event) => {
  const button = event.currentTarget, source = element("yaml");
  let copied = true;
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    source.closest("details").open = true;
    copied = copiedOld(source);
  }
  button.textContent = copied ? "Copied" : "Selected: press Ctrl+C";
  setTimeout(() => { button.textContent = "Copy the YAML"; }, 2000);
});

// On paper stands the last frame, finer than on a screen.

let interrupted = null;
addEventListener("beforeprint", () => {
  interrupted = { place, playing };
  setPlaying(false);
  place = last;
  unpoint();
  measure(Math.max(devicePixelRatio, 3));
  show();
  takePoster(now());
});
addEventListener("afterprint", () => {
  element("poster").removeAttribute("src");
  place = interrupted.place;
  setPlaying(interrupted.playing);
  measure();
  show();
});

// The picture is as large as its place allows, once it is known how much the controls take.

const controls = element("controls");
new ResizeObserver(() => {
  player.style.setProperty("--controls", `${controls.offsetHeight}px`);
}).observe(controls);
new ResizeObserver(() => measure()).observe(picture);

sheet.src = scene.sheet;
sheet.decode().then(() => {
  setPlaying(scene.steps > 0 && !still.matches);
  measure();
  show();
  document.documentElement.classList.add("ready");
});
