// Images of a drawing that change: small images, maps and the runs of their cells. An ES module.

import { indexAt, unpacked } from "./numbers.js";
import { mark, stroke, within } from "./shapes.js";

/** Return the colors of a palette as numbers, whose four bytes are written at once, which is faster. */
function shadesOf(colors) {
  const opaque = new Uint8Array(4 * colors.length / 3).fill(255);
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

/** Draw an image with sharp cells. */
export function drawCells(brush, image, ...areas) {
  Object.assign(brush, { globalAlpha: 1, imageSmoothingEnabled: false });
  brush.drawImage(image, ...areas);
  brush.imageSmoothingEnabled = true;
}

/** A sequence of small images in one place. */
export class ImageFrames {
  constructor(record) {
    const { palette, shape } = record;
    Object.assign(this, record, { shown: null, colors: shadesOf(palette), canvas: blankCanvas(shape) });
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
    this.colors[this.colors.length - 1] = 0;
    this.ready = Promise.all([cells, appears, values].map(unpacked)).then((parts) => {
      this.cells = new Uint8Array(parts[0]);
      this.appears = new Uint32Array(parts[1]);
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
    Object.assign(this, { shown: null, canvas: blankCanvas(record.shape) });
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
export class ZoomedMap extends Cells {
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
export class Runs {
  constructor({ columns, rows, units, boxes, picture, each }) {
    Object.assign(this, { columns, rows, units, boxes, picture });
    this.ready = Promise.all(each.map(async ({ counts, moves }) => {
      const ends = [0], vertices = new Int32Array(await unpacked(moves));
      for (const count of new Uint32Array(await unpacked(counts))) ends.push(ends.at(-1) + count);
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
