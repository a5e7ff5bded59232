// Draws frames on a canvas from a drawing, the JSON that `gdsim.web.player` makes. This is an ES module, which a page
// contains in one element with its own script. Lengths are in pixels of the scene.

import { Stamp, drawArrows, drawDrops, drawOutlines, drawTangents } from "./heads.js";
import { ImageFrames, MapImage, Runs, ZoomedMap, drawCells, drawRun } from "./images.js";
import { decode, indexAt, rowAt, unpacked } from "./numbers.js";
import { fill, mark, stroke } from "./shapes.js";
import { Trail } from "./trail.js";

/** What stands for a vertex that interrupts a line. */
const MISSING = -(2 ** 31);

/** Complete lines that replace each other, one for each whole time, or that move between some times. */
class Lines {
  constructor(record, { markers }) {
    Object.assign(this, record, { points: new Float32Array(), head: markers[record.style.marker], dot: markers.o });
    this.ready = unpacked(record.moves).then((moves) => {
      const units = new Int32Array(moves), size = 2 * record.shape[1];
      for (let k = size; k < units.length; k++) units[k] += units[k - size];
      this.points = Float32Array.from(units, (each) => each === MISSING ? NaN : each * record.unit);
    });
  }

  /** Return the coordinates of all vertices at a time. */
  at(time) {
    const { times, points, shape: [count, vertices] } = this, row = Math.min(Math.floor(time), count - 1);
    return times ? rowAt(times, points, time) : points.subarray(2 * vertices * row, 2 * vertices * (row + 1));
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

/** The recorded numbers at iterates of a path. */
class Iterates {
  constructor(record) {
    const names = ["points", "values", "gradients"];
    Object.assign(this, record);
    for (const name of names) this[name] = new Float64Array();
    this.ready = Promise.all(names.map(async (name) => { this[name] = new Float64Array(await unpacked(record[name])); }));
  }
}

/** Return one layer of a drawing, a view or a panel, with the copies that its arrows and outlines leave. */
function layerOf(record, drawing) {
  const layer = {
    ...record,
    trails: record.trails.map((each) => new Trail(each, drawing)),
    images: record.images.map((each) => new ImageFrames(each)),
    maps: record.maps.map((each) => new MapImage(each)),
    zooms: record.zooms.map((each) => new ZoomedMap(each)),
    lines: record.lines.map((each) => new Lines(each, drawing)),
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
    this.drawing = decode(drawing);
    this.sheet = Object.assign(new Image(), { src: drawing.sheet });
    this.layers = drawing.layers.map((each) => layerOf(each, drawing));
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

/** Return an object that draws on a canvas: `draw(time)`, `setDrawing`, `resize`, `hidden`, `ready`. */
export function createPicture(canvas, drawing) {
  return new Picture(canvas, drawing);
}
