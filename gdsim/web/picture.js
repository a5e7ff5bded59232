// Draws frames on a canvas from a drawing, the JSON that `gdsim.web.player` makes. This is an ES module, which a page
// contains in one element with its own script. Lengths are in pixels of the scene.

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const unpacked = async (text) => {
  const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
};
export const floats = (text) => new Float32Array(bytes(text).buffer);
export const doubles = (text) => new Float64Array(bytes(text).buffer);

/** Return the index of the last of some ascending times that is at most `time`, or 0 if there is none. */
export function indexAt(times, time) {
  let low = 0, high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return Math.max(low - 1, 0);
}

/** Interpolate values at ascending times linearly at one time. */
export function interpolate(times, values, time) {
  const i = indexAt(times, time), next = Math.min(i + 1, times.length - 1), gap = times[next] - times[i];
  return gap > 0 && time > times[i] ? values[i] + (time - times[i]) / gap * (values[next] - values[i]) : values[i];
}

/** Converts between fractional frame indices and times in steps; the last frame is held. */
export class Clock {
  constructor({ frames, fps, hold }) {
    this.times = floats(frames);
    this.places = Float32Array.from(this.times, (_, i) => i);
    this.fps = fps;
    this.last = this.times.length - 1;
    this.end = this.last + hold * fps;
    // The frames of a sweep go back from the last value.
    this.turn = this.times.lastIndexOf(Math.max(...this.times));
  }

  timeAt(place) {
    const time = interpolate(this.places, this.times, Math.min(place, this.last)), whole = Math.round(time);
    // Removes rounding errors, so that a requested step is exact.
    return Math.abs(time - whole) < 1e-6 ? whole : time;
  }

  placeAt(time) {
    return interpolate(this.times.subarray(0, this.turn + 1), this.places, time);
  }
}

/** Format a number with some significant digits. */
export function written(number, digits = 4) {
  if (!Number.isFinite(number)) return "not a number";
  const size = Math.abs(number);
  if (!size || (size >= 1e-3 && size < 1e4)) return String(Number((size && number).toPrecision(digits))).replaceAll("-", "−");
  const [mantissa, exponent] = number.toExponential(digits - 1).split("e");
  const raised = [...exponent].map(sign => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)] ?? "").join("");
  return `${mantissa.replaceAll("-", "−")}·10${raised}`;
}

/** Return the index of the start with the lowest value. */
export function lowest(iterates, row, starts) {
  let best = 0;
  for (let start = 1; start < starts; start++) {
    const value = iterates.values[row * starts + start], least = iterates.values[row * starts + best];
    if (value < least || Number.isNaN(least)) best = start;
  }
  return best;
}

export function within([left, top, width, height], x, y) {
  return x >= left && x <= left + width && y >= top && y <= top + height;
}

export function stroke(brush, lines, color, width, cap, alpha = 1) {
  Object.assign(brush, { strokeStyle: color, lineWidth: width, lineCap: cap, globalAlpha: alpha });
  brush.beginPath();
  for (const { points } of lines) {
    brush.moveTo(points[0], points[1]);
    for (let i = 2; i < points.length; i += 2) brush.lineTo(points[i], points[i + 1]);
  }
  brush.stroke();
}

/** Fill closed shapes, given as lists of corners. All edges are drawn first, so that none covers another shape. */
function fill(brush, shapes, color, edge, edgeWidth, alpha = 1) {
  brush.beginPath();
  for (const corners of shapes) {
    corners.forEach(([x, y], i) => i ? brush.lineTo(x, y) : brush.moveTo(x, y));
    brush.closePath();
  }
  Object.assign(brush, {
    globalAlpha: alpha, fillStyle: edge, strokeStyle: edge, lineWidth: 2 * edgeWidth, lineCap: "butt",
  });
  if (edgeWidth) {
    brush.fill();
    brush.stroke();
  }
  brush.fillStyle = color;
  brush.fill();
}

export function mark(brush, outline, places, size, ...look) {
  if (!places.length || !size) return;
  fill(brush, places.map(([x, y]) => outline.map(([across, down]) => [x + size * across, y + size * down])), ...look);
}

/** Draw an image with sharp cells. */
function drawCells(brush, image, ...areas) {
  Object.assign(brush, { globalAlpha: 1, imageSmoothingEnabled: false });
  brush.drawImage(image, ...areas);
  brush.imageSmoothingEnabled = true;
}

const GHOST = 0.4;  // the opacity of what has faded of a trail, when it is complete

/** The paths of one optimizer in one layer. */
class Trail {
  constructor(record, { markers, size, frames }) {
    Object.assign(this, record);
    this.head = markers[record.style.marker];
    this.dot = markers.o;
    // Browsers draw wrong dashes on lines with very distant ends, so lines are cut outside the picture.
    this.far = 2 * Math.max(...size);
    this.times = floats(record.times);
    this.points = floats(record.points);
    this.commits = floats(record.commitTimes);
    this.hidden = record.hidden && bytes(record.hidden);
    this.openings = record.openings && { frames: floats(frames), shares: bytes(record.openings) };
    this.bands = record.bands && bytes(record.bands);
    this.dotted = record.dotted && bytes(record.dotted);
    this.count = this.times.length;
    this.runs = record.style.dashLengths.length ? this.measured() : null;
    this.forget();
  }

  /** Return the length of each path up to each vertex, which is the phase of its dashes. */
  measured() {
    const runs = new Float64Array(this.starts * this.count), { points } = this;
    for (let k = 1; k < runs.length; k++) {
      const way = Math.hypot(points[2 * k] - points[2 * k - 2], points[2 * k + 1] - points[2 * k - 1]);
      runs[k] = k % this.count ? runs[k - 1] + (way || 0) : 0;
    }
    return runs;
  }

  /** Discard what has been committed. */
  forget() {
    this.committed = 0;
    this.since = this.times[0];
  }

  get nextCommit() {
    return this.commits[this.committed];
  }

  commit() {
    this.since = this.nextCommit;
    this.committed += 1;
  }

  /** Return the point of a path at a time, interpolated between vertices. */
  at(start, time) {
    const i = indexAt(this.times, time), k = 2 * (start * this.count + i), x = this.points[k], y = this.points[k + 1];
    if (i === this.count - 1 || time <= this.times[i]) return [x, y];
    const share = (time - this.times[i]) / (this.times[i + 1] - this.times[i]);
    return [x + share * (this.points[k + 2] - x), y + share * (this.points[k + 3] - y)];
  }

  /** Return whether the segment of a path that begins at a vertex is hidden. */
  hides(start, i) {
    if (!this.hidden) return false;
    const first = start * this.count;
    return Boolean(this.hidden[first + i] || this.hidden[first + Math.min(i + 1, this.count - 1)]);
  }

  hidesAt(start, time) {
    const i = indexAt(this.times, time);
    return this.times[i] === time ? Boolean(this.hidden?.[start * this.count + i]) : this.hides(start, i);
  }

  /** Return how far a head has become a ring at a time, from 0 to 1. */
  openingAt(start, time) {
    if (!this.openings) return 0;
    const { frames, shares } = this.openings;
    return shares[indexAt(frames, time) * this.starts + start] / 255;
  }

  isFar(x, y) {
    return Math.abs(x) > this.far || Math.abs(y) > this.far;
  }

  /** Return the visible or the hidden lines of all paths between two times, with their widths and dash phases. */
  lines(begin, end, hidden) {
    const first = indexAt(this.times, begin), last = indexAt(this.times, end), found = [];
    for (let start = 0; start < this.starts; start++) {
      const base = start * this.count;
      let line = null, [ax, ay] = this.at(start, begin);
      const tail = Math.hypot(ax - this.points[2 * (base + first)], ay - this.points[2 * (base + first) + 1]) || 0;
      for (let i = first; i <= last; i++) {
        const k = 2 * (base + i + 1);
        const [bx, by] = i === last ? this.at(start, end) : [this.points[k], this.points[k + 1]];
        const run = this.runs ? this.runs[base + i] + (i === first ? tail : 0) : 0;
        const band = this.bands ? this.bands[base + i] : this.style.widths.length - 1;
        if (Number.isNaN(ax + ay + bx + by) || this.hides(start, i) !== hidden) line = null;
        else if (this.isFar(ax, ay) || this.isFar(bx, by)) {
          line = null;
          this.cut(found, ax, ay, bx, by, run, band);
        } else {
          if (line?.band !== band) found.push(line = { points: [ax, ay], run, band });
          line.points.push(bx, by);
        }
        [ax, ay] = [bx, by];
      }
    }
    return found;
  }

  /** Add the part of a long segment that is near the picture. */
  cut(found, ax, ay, bx, by, run, band) {
    let enter = 0, leave = 1;
    for (const [from, move] of [[ax, bx - ax], [ay, by - ay]]) {
      const one = (-this.far - from) / move, other = (this.far - from) / move;
      if (move === 0 && Math.abs(from) > this.far) return;
      if (move === 0) continue;
      enter = Math.max(enter, Math.min(one, other));
      leave = Math.min(leave, Math.max(one, other));
    }
    if (enter >= leave) return;
    const points = [enter, leave].flatMap((share) => [ax + share * (bx - ax), ay + share * (by - ay)]);
    found.push({ points, run: run + enter * Math.hypot(bx - ax, by - ay), band });
  }

  /** Return the visible dots from one time up to, but excluding, another. */
  dots(begin, end) {
    const found = [];
    for (let i = 0; i < this.count && this.times[i] < end; i++) {
      if (this.times[i] < begin) continue;
      for (let k = i; k < this.starts * this.count; k += this.count) {
        const x = this.points[2 * k], y = this.points[2 * k + 1];
        if (this.dotted[k] && !this.hidden?.[k]) found.push([x, y]);
      }
    }
    return found;
  }

  /** Call a function with each width and its lines. */
  eachWidth(lines, draw) {
    this.style.widths.forEach((width, band) => {
      const own = lines.filter((line) => line.band === band);
      if (own.length) draw(width, own);
    });
  }

  drawVisible(brush, begin, end, alpha, factor = 1) {
    const { style } = this, dashed = style.dashLengths.length > 0, cap = alpha === 1 && !dashed ? "round" : "butt";
    brush.setLineDash(style.dashLengths);
    this.eachWidth(this.lines(begin, end, false), (width, lines) => {
      for (const some of dashed ? lines.map((line) => [line]) : [lines]) {
        brush.lineDashOffset = some[0].run;
        stroke(brush, some, style.color, factor * width, cap, alpha);
      }
    });
    brush.setLineDash([]);
    if (style.dotSize) {
      mark(brush, this.dot, this.dots(begin, end), style.dotSize, style.color, style.casing, style.dotEdge, alpha);
    }
  }

  drawHidden(brush, begin, end, alpha) {
    const { style } = this;
    if (!this.hidden || !style.hiddenAlpha) return;
    const faint = alpha * style.hiddenAlpha / style.alpha;
    stroke(brush, this.lines(begin, end, true), style.color, style.hiddenWidth, "butt", faint);
  }

  /** Draw the path since the last commit; the color overlaps the committed part, which the new casing would cover. */
  draw(brush, time) {
    const { style, times, since } = this;
    for (const [oldest, newest, alpha] of this.fadeBands) {
      const begin = Math.max(time - oldest, times[0]), end = Math.max(time - newest, times[0]);
      if (begin >= end) continue;
      this.drawHidden(brush, begin, end, alpha);
      this.drawVisible(brush, begin, end, alpha, style.taper + (1 - style.taper) * alpha / style.alpha);
    }
    if (this.fadeBands.length) return;
    this.drawHidden(brush, since, time, style.alpha);
    if (style.casingWidth) {
      this.eachWidth(this.lines(since, time, false), (width, lines) => {
        stroke(brush, lines, style.casing, width + 2 * style.casingWidth, "butt");
      });
    }
    const back = this.overlap ? times[Math.max(indexAt(times, since) - this.overlap, 0)] : since;
    this.drawVisible(brush, back, time, style.alpha);
  }

  /** Draw what has faded of a complete trail. */
  drawGhost(brush, time) {
    const begin = this.times[0], last = this.times[this.count - 1], end = last - this.fade;
    if (this.fade === null || time < last || begin >= end) return;
    this.drawHidden(brush, begin, end, GHOST);
    stroke(brush, this.lines(begin, end, false), this.style.color, this.style.hiddenWidth, "butt", GHOST);
  }

  /** Draw the heads, which fan out around their common place where they coincide with those of other trails. */
  drawHeads(brush, time, trails) {
    const { style, fan } = this, seen = [], hidden = [];
    const others = fan[0] || fan[1] ? trails.filter((each) => each !== this && (each.fan[0] || each.fan[1])) : [];
    for (let start = 0; start < this.starts; start++) {
      const place = this.at(start, time);
      let apart = style.headSize;
      for (const other of others) {
        for (let head = 0; head < other.starts; head++) {
          const [x, y] = other.at(head, time), way = Math.hypot(place[0] - x, place[1] - y);
          if (way < apart) apart = way;
        }
      }
      const share = 1 - apart / style.headSize;
      place[0] += share * fan[0];
      place[1] += share * fan[1];
      if (Number.isNaN(place[0] + place[1]) || this.isFar(...place)) continue;
      place.ring = this.openingAt(start, time);
      (this.hidesAt(start, time) ? hidden : seen).push(place);
    }
    const rings = new Set([...hidden, ...seen].map((place) => place.ring));
    for (const ring of [...rings].sort().reverse()) {
      for (const [places, alpha] of [[hidden, style.hiddenAlpha], [seen, style.alpha]]) {
        const some = alpha ? places.filter((place) => place.ring === ring) : [], edge = ring ? 0 : style.headEdge;
        if (ring) this.drawRings(brush, some, alpha);
        mark(brush, this.head, some, style.headSize, style.color, style.casing, edge, (1 - ring) * alpha);
      }
    }
  }

  drawRings(brush, places, alpha) {
    const { color, casing, headSize, headEdge } = this.style, ringWidth = 1.5 * headEdge, size = headSize - ringWidth;
    const lines = places.map(([x, y]) => ({ points: this.head.flatMap(([a, b]) => [x + size * a, y + size * b]) }));
    stroke(brush, lines, casing, ringWidth + 2 * headEdge, "round", alpha);
    stroke(brush, lines, color, ringWidth, "round", alpha);
  }
}

/** Return the colors of a palette as numbers, whose four bytes are written at once, which is faster. */
function shadesOf(palette) {
  const colors = bytes(palette), opaque = new Uint8Array(4 * colors.length / 3).fill(255);
  for (let i = 0; i < colors.length; i++) opaque[4 * Math.floor(i / 3) + i % 3] = colors[i];
  return new Uint32Array(opaque.buffer);
}

function blankCanvas([width, height]) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

/** Draw images on a canvas of their size, pixel by pixel: `color(k)` is the color of pixel k. */
function paint(canvas, color) {
  const { width, height } = canvas, brush = canvas.getContext("2d");
  const image = brush.createImageData(width, height), dots = new Uint32Array(image.data.buffer);
  for (let k = 0; k < dots.length; k++) dots[k] = color(k);
  brush.putImageData(image, 0, 0);
}

/** A sequence of small images in one place. */
class ImageFrames {
  constructor(record) {
    Object.assign(this, record, { steps: floats(record.steps), cells: bytes(record.cells), shown: null });
    this.colors = shadesOf(record.palette);
    this.canvas = blankCanvas(record.shape);
  }

  /** Return the image at a time, as a canvas. */
  at(time) {
    const index = indexAt(this.steps, time), first = index * this.canvas.width * this.canvas.height;
    if (index !== this.shown) paint(this.canvas, (k) => this.colors[this.cells[first + k]]);
    this.shown = index;
    return this.canvas;
  }

  draw(brush, time) {
    drawCells(brush, this.at(time), ...this.box);
  }
}

/** Figures over two settings. A cell is its column, its row from the bottom, and the index of its image. */
class Cells {
  constructor({ cells, appears, values, ...record }) {
    Object.assign(this, record, { colors: shadesOf(record.palette) });
    this.axes = record.axes.map((axis) => ({ ...axis, values: doubles(axis.values) }));
    this.colors[this.colors.length - 1] = 0;
    this.ready = Promise.all([cells, appears, values].map(unpacked)).then((parts) => {
      this.cells = new Uint8Array(parts[0]);
      this.appears = new Uint16Array(parts[1]);
      this.values = new Float32Array(parts[2]);
    });
  }

  index([column, row, image]) {
    const [columns, rows] = this.shape;
    return ((image + 1) * rows - 1 - row) * columns + column;
  }

  /** Return the cell that is seen at a position. */
  cellAt(x, y, time) {
    const image = this.imageAt(x, y, time), [left, top, width, height] = this.boxOf(image, time);
    const shares = [(x - left) / width, 1 - (y - top) / height];
    return [...shares.map((share, i) => Math.min(Math.max(Math.floor(share * this.shape[i]), 0), this.shape[i] - 1)), image];
  }

  centerOf([column, row, image], time) {
    const [left, top, width, height] = this.boxOf(image, time), [columns, rows] = this.shape;
    return [left + (column + 0.5) * width / columns, top + (rows - row - 0.5) * height / rows];
  }

  /** Return the values of the settings of a cell, of which only those of the first image are stored. */
  settings([column, row, image]) {
    return [column, row].map((place, i) => {
      const { values, logarithmic } = this.axes[i], last = values.length - 1, first = values[0];
      if (!image) return values[place];
      const center = (i ? 1 - this.center[1] : this.center[0]) * values.length - 0.5;
      const share = (center + (place - center) / 2 ** image) / last;
      return logarithmic ? first * (values[last] / first) ** share : first + share * (values[last] - first);
    });
  }
}

/** A map whose cells appear at steps of their own. */
export class MapImage extends Cells {
  constructor(record) {
    super(record);
    Object.assign(this, { steps: floats(record.steps), shown: null, canvas: blankCanvas(record.shape) });
  }

  imageAt() {
    return 0;
  }

  boxOf() {
    return this.box;
  }

  draw(brush, time) {
    const step = Math.floor(time), { cells, appears, colors } = this, blank = colors.length - 1;
    if (!cells) return;
    if (step !== this.shown) {
      const first = indexAt(this.steps, step) * appears.length;
      paint(this.canvas, (k) => colors[appears[k] <= step ? cells[first + k] : blank]);
      this.shown = step;
    }
    drawCells(brush, this.canvas, ...this.box);
  }
}

/** Maps that a zoom enters one after another, each of half the width and height of the one before. */
class ZoomedMap extends Cells {
  constructor(record) {
    super(record);
    this.ready = this.ready.then(() => {
      const { cells, colors, shape } = this, size = shape[0] * shape[1];
      this.images = Array.from({ length: cells.length / size }, (_, i) => {
        const canvas = blankCanvas(shape);
        paint(canvas, (k) => colors[cells[i * size + k]]);
        return canvas;
      });
    });
  }

  boxOf(image, time) {
    const { box: [left, top, width, height], center: [x, y] } = this, size = 2 ** (time - image);
    return [left + x * width * (1 - size), top + y * height * (1 - size), width * size, height * size];
  }

  /** Return the images that are seen at a time, the outer one first, each with its opacity. */
  seen(time) {
    const last = this.images.length - 1, index = Math.min(Math.floor(time), last), share = time - index;
    const outer = { image: index, alpha: 1 };
    return index === last ? [outer] : [outer, { image: index + 1, alpha: share ** 2 * (3 - 2 * share) }];
  }

  imageAt(x, y, time) {
    const [outer, inner] = this.seen(time), isSeen = inner?.alpha >= 0.5 && within(this.boxOf(inner.image, time), x, y);
    return isSeen ? inner.image : outer.image;
  }

  draw(brush, time) {
    if (!this.images) return;
    brush.imageSmoothingEnabled = false;
    for (const { image, alpha } of this.seen(time)) {
      brush.globalAlpha = alpha;
      brush.drawImage(this.images[image], ...this.boxOf(image, time));
    }
    Object.assign(brush, { globalAlpha: 1, imageSmoothingEnabled: true });
  }
}

/** The runs of some cells of maps, whose vertices are in units of the sides of a box. */
class Runs {
  constructor({ columns, rows, units, boxes, picture, each }) {
    Object.assign(this, { columns, rows, units, boxes, picture });
    this.ready = Promise.all(each.map(async ({ counts, moves }) => {
      const ends = [0], vertices = new Int32Array(await unpacked(moves));
      for (const count of new Uint16Array(await unpacked(counts))) ends.push(ends.at(-1) + count);
      // The first half are horizontal coordinates.
      for (let k = 1; k < vertices.length; k++) if (k !== ends.at(-1)) vertices[k] += vertices[k - 1];
      return { ends, vertices };
    })).then((each) => { this.each = each; });
  }

  // Return the run of an optimizer in the stored cell that is nearest to one: its points, the box that they are in, and
  // the cell. The box is that of `picture`, or for each map one in the drawing.
  at(map, number, [column, row]) {
    const box = this.picture?.box ?? this.boxes[map], [left, top, width, height] = box;
    const near = (places, place) => places.reduce((best, each, i) => (
      Math.abs(each - place) < Math.abs(places[best] - place) ? i : best
    ), 0);
    const i = near(this.columns, column), j = near(this.rows, row), points = [], { ends, vertices } = this.each[number];
    for (let k = ends[j * this.columns.length + i]; k < ends[j * this.columns.length + i + 1]; k++) {
      const across = vertices[k] / this.units, up = vertices[k + ends.at(-1)] / this.units;
      points.push(left + across * width, top + (1 - up) * height);
    }
    return { points, box, cell: [this.columns[i], this.rows[j], 0] };
  }
}

/** Draw a run in a box, with dots on its ends. */
export function drawRun(brush, { points, box }, { casing, text }, dot) {
  const ends = [points.slice(0, 2), points.slice(-2)];
  brush.save();
  brush.beginPath();
  brush.rect(...box);
  brush.clip();
  brush.lineJoin = "round";
  stroke(brush, [{ points }], casing, 6, "round");
  stroke(brush, [{ points }], text, 2.5, "round");
  mark(brush, dot, ends, 10, text, casing, 2);
  brush.restore();
}

/** What stands for a vertex that interrupts a line. */
const MISSING = -(2 ** 31);

/** Complete lines that replace each other, one for each whole time, or that move between some times. */
class Lines {
  constructor(record, { markers }) {
    Object.assign(this, record, { points: new Float32Array(), head: markers[record.style.marker], dot: markers.o });
    this.times = record.times && floats(record.times);
    this.ready = unpacked(record.moves).then((moves) => {
      const units = new Int32Array(moves), size = 2 * record.shape[1];
      for (let k = size; k < units.length; k++) units[k] += units[k - size];
      this.points = Float32Array.from(units, (each) => each === MISSING ? NaN : each * record.unit);
    });
  }

  /** Return the coordinates of all vertices at a time. */
  at(time) {
    const { times, points, shape: [count, vertices] } = this, size = 2 * vertices;
    const row = times ? indexAt(times, time) : Math.min(Math.floor(time), count - 1);
    const here = points.subarray(size * row, size * (row + 1));
    if (!times || row === count - 1) return here;
    const share = (time - times[row]) / (times[row + 1] - times[row]);
    return here.map((each, k) => each + share * (points[size * (row + 1) + k] - each));
  }

  draw(brush, time) {
    const { style } = this, vertices = this.at(time), found = [], places = [];
    let line = null;
    for (let k = 0; k < vertices.length; k += 2) {
      const [x, y] = vertices.subarray(k, k + 2);
      if (Number.isNaN(x + y)) line = null;
      else {
        if (!line) found.push(line = { points: [] });
        line.points.push(x, y);
        places.push([x, y]);
      }
    }
    if (this.fill) fill(brush, [places], style.color, "", 0, this.fill);
    if (style.casingWidth) stroke(brush, found, style.casing, style.width + 2 * style.casingWidth, "round");
    stroke(brush, found, style.color, style.width, "round", style.alpha);
    mark(brush, this.dot, places, style.dotSize, style.color, style.casing, style.dotEdge);
    mark(brush, this.head, places.slice(-1), style.headSize, style.color, style.casing, style.headEdge);
  }
}

/** Draw a thin line from each visible head to its foot, if that is visible, and the shadow under the head. */
function drawDrops(brush, layer, drops, time) {
  const path = layer.trails[drops.trail], foot = layer.trails[drops.foot], heads = [], lines = [];
  for (let start = 0; start < path.starts; start++) {
    const head = path.at(start, time);
    if (!within(layer.box, ...head) || path.hidesAt(start, time)) continue;
    heads.push(head);
    if (!foot.hidesAt(start, time)) lines.push({ points: [...head, ...foot.at(start, time)] });
  }
  brush.setLineDash(drops.dash);
  stroke(brush, lines, path.style.color, drops.width, "butt", drops.alpha);
  brush.setLineDash([]);
  Object.assign(brush, { globalAlpha: drops.shadowAlpha, fillStyle: drops.shadow });
  for (const [below, width, height] of drops.rings) {
    brush.beginPath();
    for (const [x, y] of heads) {
      brush.moveTo(x + width / 2, y + below);
      brush.ellipse(x, y + below, width / 2, height / 2, 0, 0, 2 * Math.PI);
    }
    brush.fill();
  }
}

/** Draw the tangent at each head of a curve. */
function drawTangents(brush, layer, tangents, time) {
  const path = layer.trails[tangents.trail], ends = [];
  for (let start = 0; start < path.starts; start++) {
    const head = path.at(start, time), first = start * path.count;
    if (!within(layer.box, ...head)) continue;
    const slope = interpolate(path.times, tangents.slopes.subarray(first, first + path.count), time);
    const across = tangents.reach / Math.hypot(1, slope), down = slope * across;
    if (Number.isFinite(down)) ends.push({ points: [head[0] - across, head[1] - down, head[0] + across, head[1] + down] });
  }
  stroke(brush, ends, path.style.color, tangents.width, "round");
}

/** Return the corners of an arrow from a point along a vector. */
function arrow(x, y, across, down, width) {
  const length = Math.hypot(across, down), ux = across / length, uy = down / length;
  const head = Math.min(5.5 * width, 0.6 * length), shaft = head / 11, neck = length - head, wing = 0.42 * head;
  const end = 0.5 * shaft;
  const corners = [[0, -end], [neck, -shaft], [neck, -wing], [length, 0], [neck, wing], [neck, shaft], [0, end]];
  return corners.map(([along, aside]) => [x + along * ux - aside * uy, y + along * uy + aside * ux]);
}

/** Interpolate rows of numbers at ascending times linearly at one time. */
function rowAt(times, rows, time) {
  const size = rows.length / times.length, i = indexAt(times, time), next = Math.min(i + 1, times.length - 1);
  const share = next > i ? (time - times[i]) / (times[next] - times[i]) : 0, ahead = rows.subarray(next * size);
  return rows.slice(i * size, (i + 1) * size).map((each, k) => each + share * (ahead[k] - each));
}

/** Return the indices and the heads of the starts of a trail that are visible. */
function visibleHeads(layer, trail, time) {
  const heads = Array.from({ length: trail.starts }, (_, start) => [start, trail.at(start, time)]);
  return heads.filter(([start, head]) => within(layer.box, ...head) && !trail.hidesAt(start, time));
}

/** Draw outlines around the heads. */
function drawOutlines(brush, layer, { trail: index, steps, matrices, shape, width, fill: alpha }, time) {
  const trail = layer.trails[index], row = rowAt(steps, matrices, time), { color, casing } = trail.style;
  const shapes = visibleHeads(layer, trail, time).map(([start, [x, y]]) => {
    const [a, b, c, d] = row.subarray(4 * start);
    return shape.map(([across, up]) => [x + a * across + b * up, y + c * across + d * up]);
  });
  const lines = shapes.map((corners) => ({ points: corners.flat() }));
  fill(brush, shapes, color, color, 0, alpha);
  stroke(brush, lines, casing, 2 * width, "round");
  stroke(brush, lines, color, width, "round");
}

/** Draw arrows at the heads. */
function drawArrows(brush, layer, arrows, time) {
  const trail = layer.trails[arrows.trail], row = rowAt(arrows.steps, arrows.vectors, time);
  const found = visibleHeads(layer, trail, time).map(([start, head]) => [head, row.subarray(2 * start, 2 * start + 2)]);
  const long = found.filter(([, vector]) => Math.hypot(...vector) >= arrows.shortest);
  for (const { color, edge, edgeWidth, width, factor } of arrows.styles) {
    const shapes = long.map(([head, [across, down]]) => arrow(...head, factor * across, factor * down, width));
    fill(brush, shapes, color, edge, edgeWidth);
  }
}

/** A copy that arrows or outlines leave at a time; committed like a trail. */
class Stamp {
  constructor(draw, layer, marks, time) {
    Object.assign(this, { optimizer: layer.trails[marks.trail].optimizer, time, nextCommit: time });
    this.draw = (brush) => draw(brush, layer, marks, time);
  }

  commit() {
    this.nextCommit = Infinity;
  }

  forget() {
    this.nextCommit = this.time;
  }
}

/** The recorded numbers at iterates of a path. */
class Iterates {
  constructor(record) {
    const names = ["points", "values", "gradients"];
    Object.assign(this, record, { steps: floats(record.steps) });
    for (const name of names) this[name] = new Float64Array();
    this.ready = Promise.all(names.map(async (name) => { this[name] = new Float64Array(await unpacked(record[name])); }));
  }
}

/** Decode one layer of a drawing, a view or a panel, with the copies that its arrows and outlines leave. */
function decoded(record, drawing) {
  const numbers = (each, ...names) => ({ ...each, ...Object.fromEntries(names.map((name) => [name, floats(each[name])])) });
  const layer = {
    ...record,
    trails: record.trails.map((each) => new Trail(each, drawing)),
    images: record.images.map((each) => new ImageFrames(each)),
    maps: record.maps.map((each) => new MapImage(each)),
    zooms: record.zooms.map((each) => new ZoomedMap(each)),
    lines: record.lines.map((each) => new Lines(each, drawing)),
    ticks: record.ticks.map((each) => numbers(each, "begins", "ends", "offsets")),
    cursor: record.cursor && numbers(record.cursor, "times", "places"),
    tangents: record.tangents.map((each) => numbers(each, "slopes")),
    outlines: record.outlines.map((each) => numbers(each, "steps", "matrices")),
    arrows: record.arrows.map((each) => numbers(each, "steps", "vectors")),
    events: record.events.map((each) => numbers(each, "times", "points")),
    iterates: record.iterates.map((each) => new Iterates(each)),
  };
  const stamps = (draw, lists) => lists.flatMap((each) => each.stamps.map((time) => new Stamp(draw, layer, each, time)));
  return Object.assign(layer, { stamps: [...stamps(drawOutlines, layer.outlines), ...stamps(drawArrows, layer.arrows)] });
}

class Picture {
  constructor(canvas, drawing) {
    this.canvas = canvas;
    // The parts that no longer change; the canvas itself is redrawn for each frame.
    this.committed = document.createElement("canvas");
    /** The indices of optimizers that are not drawn. */
    this.hidden = new Set();
    /** The position and radius of a ring drawn on top; null for none. */
    this.ring = null;
    /** The run of a cell of which the center is drawn on top, and its points if they are in the drawing. */
    this.run = null;
    this.setDrawing(drawing);
  }

  /** Show another drawing, which can be drawn when the promise `ready` is fulfilled. */
  setDrawing(drawing) {
    this.drawing = drawing;
    this.sheet = Object.assign(new Image(), { src: drawing.sheet });
    this.layers = drawing.layers.map((each) => decoded(each, drawing));
    this.maps = this.layers.flatMap((layer) => [...layer.maps, ...layer.zooms]);
    const unpacking = this.layers.flatMap((layer) => [...layer.maps, ...layer.zooms, ...layer.lines, ...layer.iterates]);
    this.ready = Promise.all([this.sheet.decode(), ...unpacking.map((each) => each.ready), this.setRuns(drawing.runs)]);
    this.resize();
  }

  /** Set the runs of cells of maps, or null for none. */
  async setRuns(record) {
    const runs = record && new Runs(record);
    this.run = this.runs = null;
    await runs?.ready;
    this.runs = runs;
  }

  /** Replace lists of a layer, such as its trails. */
  setTrails(layer, lists) {
    this.drawing.layers[layer] = { ...this.drawing.layers[layer], ...lists };
    this.layers[layer] = decoded(this.drawing.layers[layer], this.drawing);
    this.forget();
  }

  /** Set the resolution of the canvas to that of the screen, or to another number of dots per CSS pixel. */
  resize(density = globalThis.devicePixelRatio) {
    const width = Math.min(Math.round(this.canvas.clientWidth * density), 3840), [wide, high] = this.drawing.size;
    for (const canvas of width ? [this.canvas, this.committed] : []) {
      canvas.width = width;
      canvas.height = Math.round(width * high / wide);
    }
    this.forget();
  }

  /** Discard the committed parts of all trails. */
  forget() {
    for (const { trails, stamps } of this.layers) for (const each of [...trails, ...stamps]) each.forget();
    this.cleared(this.committed);
    this.time = 0;
  }

  /** Return the place of an event, in pixels of the scene. */
  placeOf({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect(), [width, height] = this.drawing.size;
    return [(clientX - box.left) / box.width * width, (clientY - box.top) / box.height * height];
  }

  /** Set the position of an element over the canvas, in pixels of the scene; NaN leaves a side as it is. */
  setBox(element, [left, top, width, height]) {
    const [wide, high] = this.drawing.size;
    const shares = { left: left / wide, top: top / high, width: width / wide, height: height / high };
    for (const [side, share] of Object.entries(shares)) if (!Number.isNaN(share)) element.style[side] = `${100 * share}%`;
  }

  cleared(canvas) {
    const brush = canvas.getContext("2d"), [width, height] = this.drawing.size;
    brush.setTransform(1, 0, 0, 1, 0, 0);
    brush.clearRect(0, 0, canvas.width, canvas.height);
    if (canvas === this.canvas) brush.drawImage(this.committed, 0, 0);
    brush.setTransform(canvas.width / width, 0, 0, canvas.height / height, 0, 0);
    brush.lineJoin = "round";
    return brush;
  }

  shown(primitives) {
    return primitives.filter(({ optimizer }) => !this.hidden.has(optimizer));
  }

  /** Draw the frame at a time in steps; `held` is the share of the hold that has passed since the last frame. */
  draw(time, held = 0) {
    this.commit(time);
    const brush = this.cleared(this.canvas);
    for (const layer of this.layers) {
      this.clipped(brush, layer, () => {
        for (const trail of this.shown(layer.trails)) trail.drawGhost(brush, time);
        for (const trail of this.shown(layer.trails)) trail.draw(brush, time);
      });
    }
    for (const layer of this.layers) this.clipped(brush, layer, () => this.drawOver(brush, layer, time));
    // Notes of exits are outside the views.
    for (const layer of this.layers) for (const each of this.shown(layer.events)) this.drawEvents(brush, each, time);
    for (const layer of this.layers) for (const each of layer.ticks) this.drawTicks(brush, each, time);
    for (const { begin, end, sprite } of this.shown(this.drawing.milestones)) {
      if (begin <= time && time < end) this.drawSprite(brush, sprite);
    }
    this.drawCounter(brush, time);
    const { stressed } = this.drawing;
    if (stressed && stressed.begin <= held && held < stressed.end && !this.hidden.has(stressed.optimizer)) {
      this.drawSprite(brush, stressed.sprite);
    }
    if (this.run) {
      const { colors, markers } = this.drawing;
      if (!this.runs.picture) drawRun(brush, this.run, colors, markers.o);
      mark(brush, markers.o, [this.run.center], 10, colors.text, colors.casing, 2);
    }
    if (this.ring) this.drawRing(brush);
  }

  /** Keep what is drawn now, to fade from it. */
  keep() {
    const { width, height } = this.canvas;
    this.kept = Object.assign(document.createElement("canvas"), { width, height });
    this.kept.getContext("2d").drawImage(this.canvas, 0, 0);
  }

  /** Draw a mixture of what was kept and the frame at a time, of which the share is from 0 to 1. */
  drawFading(time, share) {
    this.draw(time);
    const brush = this.canvas.getContext("2d"), { width, height } = this.canvas;
    brush.save();
    brush.setTransform(1, 0, 0, 1, 0, 0);
    Object.assign(brush, { globalAlpha: share, globalCompositeOperation: "destination-in" });
    brush.fillRect(0, 0, width, height);
    Object.assign(brush, { globalAlpha: 1 - share, globalCompositeOperation: "lighter" });
    brush.drawImage(this.kept, 0, 0, width, height);
    brush.restore();
  }

  /** Commit complete parts of trails, and stamps, in order of time, which determines the one on top where paths cross. */
  commit(time) {
    if (time < this.time) this.forget();
    this.time = time;
    const brush = this.committed.getContext("2d");
    const pairs = this.layers.flatMap((layer) => (
      this.shown([...layer.trails, ...layer.stamps]).map((trail) => ({ layer, trail }))
    ));
    for (;;) {
      let next = null;
      for (const pair of pairs) {
        const { nextCommit } = pair.trail;
        if (nextCommit <= time && (!next || nextCommit < next.trail.nextCommit)) next = pair;
      }
      if (!next) return;
      const { layer, trail } = next;
      this.clipped(brush, layer, () => trail.draw(brush, trail.nextCommit));
      trail.commit();
    }
  }

  clipped(brush, layer, draw) {
    brush.save();
    brush.beginPath();
    brush.rect(...layer.box);
    brush.clip();
    draw();
    brush.restore();
  }

  drawOver(brush, layer, time) {
    const { trails } = layer, isShown = (each) => !this.hidden.has(trails[each.trail].optimizer);
    for (const each of this.shown(layer.images)) each.draw(brush, time);
    for (const each of this.shown(layer.heatmaps)) this.drawHeatmap(brush, each, time);
    for (const each of [...layer.maps, ...layer.zooms, ...this.shown(layer.lines)]) each.draw(brush, time);
    for (const each of this.shown(layer.labels)) this.drawLabel(brush, each, time);
    for (const each of layer.drops.filter(isShown)) drawDrops(brush, layer, each, time);
    for (const each of layer.tangents.filter(isShown)) drawTangents(brush, layer, each, time);
    for (const each of layer.outlines.filter(isShown)) drawOutlines(brush, layer, each, time);
    for (const each of layer.arrows.filter(isShown)) drawArrows(brush, layer, each, time);
    const heads = this.shown(trails);
    for (const each of heads) each.drawHeads(brush, time, heads);
  }

  /** Draw the visible part of a heat map, which is complete on the sheet. */
  drawHeatmap(brush, { box: [left, top, width, height], end, reach, sprite }, time) {
    const columns = Math.round(sprite.width * Math.min(time, end) / reach);
    if (!(columns > 0)) return;
    const shown = columns * width / sprite.width;
    drawCells(brush, this.sheet, 0, sprite.row, columns, sprite.height, left, top, shown, height);
  }

  /** Draw a part of the sheet; text comes from there because it has the font of the rest of the picture. */
  drawSprite(brush, { left, top, row, width, height }, shift = 0, alpha = 1, rise = 0) {
    const { scale } = this.drawing;
    brush.globalAlpha = alpha;
    brush.drawImage(this.sheet, 0, row, width, height, left + shift, top + rise, width / scale, height / scale);
  }

  /** Draw the name of an optimizer beside its path, which appears between two times. */
  drawLabel(brush, { begin, end, text }, time) {
    const alpha = time >= end ? 1 : Math.max((time - begin) / (end - begin), 0);
    if (alpha) this.drawSprite(brush, text, 0, alpha);
  }

  drawEvents(brush, { times, points, marker, size, color, casing, edge, text }, time) {
    const count = times[0] <= time ? indexAt(times, time) + 1 : 0;
    const places = Array.from({ length: count }, (_, i) => [points[2 * i], points[2 * i + 1]]);
    mark(brush, this.drawing.markers[marker], places, size, color, casing, edge);
    if (text && count) this.drawSprite(brush, text);
  }

  /** Draw the tick labels of an axis of a zoom, which move away from its center. */
  drawTicks(brush, { axis, center, bounds, sprites, offsets, begins, ends }, time) {
    sprites.forEach((sprite, i) => {
      const shift = offsets[i] * 2 ** time, place = center + shift;
      if (begins[i] > time || time >= ends[i] || place < bounds[0] || place > bounds[1]) return;
      this.drawSprite(brush, sprite, axis ? 0 : shift, 1, axis ? shift : 0);
    });
  }

  drawCounter(brush, time) {
    const { readings } = this.drawing;
    if (readings.length) this.drawSprite(brush, readings[Math.min(Math.floor(time), readings.length - 1)].sprite);
    if (!this.drawing.counter) return;
    const { pitch, digits } = this.drawing.counter, number = [...String(Math.floor(time))];
    number.forEach((digit, i) => {
      // Rounded to whole pixels, as in rendered frames.
      this.drawSprite(brush, digits[digit], -Math.round((number.length - 1 - i) * pitch));
    });
  }

  drawRing(brush) {
    const { place: [x, y], radius } = this.ring, { casing, text } = this.drawing.colors;
    for (const [color, width] of [[casing, 4.5], [text, 2]]) {
      Object.assign(brush, { globalAlpha: 1, strokeStyle: color, lineWidth: width });
      brush.beginPath();
      brush.arc(x, y, radius, 0, 2 * Math.PI);
      brush.stroke();
    }
  }
}

/** Return an object that draws on a canvas: `draw(time)`, `setDrawing`, `setTrails`, `resize`, `hidden`, `ready`. */
export function createPicture(canvas, drawing) {
  return new Picture(canvas, drawing);
}
