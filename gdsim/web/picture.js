"use strict";

// How the picture looks at a time: the script of the page begins here and goes on in player.js.

const scene = JSON.parse(document.getElementById("gdsim-scene").textContent);
const element = (id) => document.getElementById(id);

// Long rows of numbers come as base64, in the order in which they lie in memory.

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function floats(text) {
  return new Float32Array(bytes(text).buffer);
}

function doubles(text) {
  return new Float64Array(bytes(text).buffer);
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
    this.color = record.ink.color;
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

// Pictures made of numbers.

/** Small pictures that follow each other in one place, cell by cell in the colours of their palette. */
class Reel {
  constructor(record) {
    Object.assign(this, record);
    this.steps = floats(record.steps);
    this.cells = bytes(record.cells);
    const palette = bytes(record.palette);
    // The four bytes of a dot at a time: there may be many.
    const dots = Uint8Array.from({ length: 4 * palette.length / 3 }, (_, i) => (
      i % 4 === 3 ? 255 : palette[3 * (i >> 2) + i % 4]
    ));
    this.dots = new Uint32Array(dots.buffer);
    this.shown = null;
    const [width, height] = record.shape;
    this.canvas = Object.assign(document.createElement("canvas"), { width, height });
  }

  /** The picture that is seen at a time. */
  at(time) {
    const index = before(this.steps, time);
    if (index === this.shown) return this.canvas;
    const { width, height } = this.canvas, brush = this.canvas.getContext("2d");
    const image = brush.createImageData(width, height), first = index * width * height;
    const dots = new Uint32Array(image.data.buffer);
    for (let k = 0; k < dots.length; k++) dots[k] = this.dots[this.cells[first + k]];
    brush.putImageData(image, 0, 0);
    this.shown = index;
    return this.canvas;
  }

  draw(brush, time) {
    brush.globalAlpha = 1;
    brush.imageSmoothingEnabled = false;
    brush.drawImage(this.at(time), ...this.box);
    brush.imageSmoothingEnabled = true;
  }
}

/** A heat map as far as it has come: all of it is on the sheet. */
function drawBand(brush, band, time) {
  const [left, top, width, height] = band.box, { row, width: columns, height: rows } = band.picture;
  const share = Math.min((between(band.times, band.places, time) - left) / width, 1);
  const shown = Math.round(share * columns);
  if (!(shown > 0)) return;
  brush.globalAlpha = 1;
  brush.imageSmoothingEnabled = false;
  brush.drawImage(sheet, 0, row, shown, rows, left, top, shown * width / columns, height);
  brush.imageSmoothingEnabled = true;
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
    points: doubles(each.points),
    values: doubles(each.values),
    gradients: doubles(each.gradients),
  })),
  vectors: record.vectors.map((each) => ({ ...each, steps: floats(each.steps), uphill: floats(each.uphill) })),
  reels: record.reels.map((each) => new Reel(each)),
  bands: record.bands.map((each) => ({ ...each, times: floats(each.times), places: floats(each.places) })),
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
  for (const reel of pane.reels) if (!hidden.has(reel.style)) reel.draw(brush, time);
  for (const band of pane.bands) if (!hidden.has(band.style)) drawBand(brush, band, time);
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

function drawFrame(time) {
  keep(time);
  const brush = wiped(liveLayer);
  for (const { pane, trail } of pairs) {
    if (!hidden.has(trail.style)) clipped(brush, pane, () => trail.drawPath(brush, time));
  }
  for (const pane of panes) clipped(brush, pane, () => drawOver(brush, pane, time));
  if (scene.digits) drawCounter(brush, time);
  if (pointed) drawPointed(brush);
}

/** All that stands there as one image: browsers print a canvas as what was ever drawn on it, the wiping included. */
function takePoster() {
  const { width, height } = liveLayer, canvas = Object.assign(document.createElement("canvas"), { width, height });
  const brush = canvas.getContext("2d");
  for (const layer of [element("ground"), keptLayer, liveLayer]) brush.drawImage(layer, 0, 0, width, height);
  element("poster").src = canvas.toDataURL("image/webp", 0.95);
}

/** Give the canvases as many dots as the screen has, or as the paper is worth; nothing stands on them then. */
function measure(density = devicePixelRatio) {
  const width = Math.min(Math.round(picture.clientWidth * density), 3840);
  if (!width) return;
  for (const canvas of [keptLayer, liveLayer]) {
    canvas.width = width;
    canvas.height = Math.round(width * scene.size[1] / scene.size[0]);
  }
  forget();
}
