// The paths of one optimizer in one layer of a drawing, and their heads. An ES module.

import { indexAt } from "./numbers.js";
import { mark, stroke } from "./shapes.js";

const GHOST = 0.4;  // the opacity of what has faded of a trail, when it is complete

/** The paths of one optimizer in one layer. */
export class Trail {
  constructor(record, { markers, size, frames }) {
    Object.assign(this, record, { head: markers[record.style.marker], dot: markers.o, frames });
    // Browsers draw wrong dashes on lines with very distant ends, so lines are cut outside the picture.
    this.far = 2 * Math.max(...size);
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
    return this.commitTimes[this.committed];
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
    return this.openings ? this.openings[indexAt(this.frames, time) * this.starts + start] / 255 : 0;
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
