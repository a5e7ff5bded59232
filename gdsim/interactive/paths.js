// The paths of an experiment that is being computed, drawn into a finished picture.

import { mark, stroke } from "./shapes.js";

const FINE = 8;  // the number of segments per step on a curve or a surface
const APART = 0.75;  // the distance between two vertices of a path, in pixels
export const MANY = 30;  // the number of starts from which paths are drawn in a simpler way, which is faster
const FAR_APART = 2.5;  // the distance between two vertices of one of many paths
const STALE = 0.3;  // the opacity of what is still from an older computation

/** The iterates of one optimizer on one objective, which arrive in pieces: (rows, starts, dim). */
class Iterates {
  constructor(starts, dim) {
    Object.assign(this, { starts, dim, values: new Float64Array(0), count: 0, fresh: 0 });
  }

  /** Add the rows of a piece; what follows them remains from the computation before. */
  add(row, rows, last) {
    const width = this.starts * this.dim, end = row * width + rows.length;
    if (end > this.values.length) {
      const longer = new Float64Array(2 * end);
      longer.set(this.values.subarray(0, this.count * width));
      this.values = longer;
    }
    this.values.set(rows, row * width);
    this.fresh = end / width;
    this.count = last ? this.fresh : Math.max(this.count, this.fresh);
  }

  point(row, start) {
    const k = (row * this.starts + start) * this.dim;
    return this.values.subarray(k, k + this.dim);
  }

  /** Return the vertices of a path from one row to another, in pixels of a view. */
  vertices(view, start, first, last) {
    const found = [], apart = this.starts < MANY ? APART : FAR_APART;
    let before = null;
    const add = (coordinates, always) => {
      const [x, y] = view.pixel(coordinates), k = found.length;
      if (Number.isNaN(x + y)) return;
      if (always || !k || Math.abs(x - found[k - 2]) + Math.abs(y - found[k - 1]) > apart) found.push(x, y);
    };
    for (let row = first; row <= last; row++) {
      const here = view.project(this.point(row, start));
      for (let k = 1; before && !view.flat && k < FINE; k++) {
        add(before.map((part, i) => part + k / FINE * (here[i] - part)), false);
      }
      add(here, row === last);
      before = here;
    }
    return found;
  }
}

export class Paths {
  constructor() {
    this.iterates = new Map();
    this.id = null;
  }

  /** Add a piece, and return whether it is the first of its computation. */
  add({ id, objective, optimizer, row, starts, dim, last }, buffer) {
    const key = `${objective} ${optimizer}`, isFirst = id !== this.id;
    let known = this.iterates.get(key);
    if (known?.starts !== starts || known.dim !== dim) this.iterates.set(key, known = new Iterates(starts, dim));
    known.add(row, new Float64Array(buffer), last);
    this.id = id;
    return isFirst;
  }

  /** Draw the paths of a view for the optimizers that are shown, in the styles of the trails of its layer. */
  draw(brush, view, trails, isShown) {
    const drawn = view.optimizers.flatMap((optimizer, i) => {
      const iterates = this.iterates.get(`${view.objective} ${optimizer}`), trail = trails[view.trails[i]];
      if (!iterates || !isShown(optimizer)) return [];
      return [{ iterates, trail, paths: pathsOf(iterates, view, 0, iterates.fresh - 1) }];
    });
    const [few, many] = [true, false].map((wanted) => drawn.filter(({ iterates }) => iterates.starts < MANY === wanted));
    for (const { iterates: each, trail: { style } } of few.filter(({ iterates }) => iterates.fresh < iterates.count)) {
      const stale = pathsOf(each, view, each.fresh - 1, each.count - 1);
      stroke(brush, stale, style.color, style.widths.at(-1), "butt", STALE);
    }
    brush.lineJoin = "bevel";
    for (const { paths, trail: { style } } of many) {
      stroke(brush, paths, style.color, style.widths.at(-1), "butt", style.alpha);
    }
    for (const { paths, trail: { style } } of few) {
      brush.setLineDash(style.dashLengths);
      const bands = style.taper === 1 ? [paths] : banded(paths, style.widths.length);
      const widths = style.taper === 1 ? style.widths.slice(-1) : style.widths;
      widths.forEach((width, i) => stroke(brush, bands[i], style.casing, width + 2 * style.casingWidth, "butt"));
      widths.forEach((width, i) => stroke(brush, bands[i], style.color, width, "butt", style.alpha));
      brush.setLineDash([]);
    }
    for (const { iterates, paths, trail: { head, style } } of drawn) {
      const places = paths.filter(({ points }) => points.length).map(({ points }) => points.slice(-2));
      const edge = iterates.starts < MANY ? style.headEdge : 0;
      mark(brush, head, places, style.headSize, style.color, style.casing, edge, style.alpha);
    }
  }
}

function pathsOf(iterates, view, first, last) {
  return Array.from({ length: iterates.starts }, (_, start) => ({ points: iterates.vertices(view, start, first, last) }));
}

/** Divide paths into bands of equal length, which have different widths. */
function banded(paths, count) {
  const bands = Array.from({ length: count }, () => []);
  for (const { points } of paths) {
    const runs = [0];
    for (let k = 2; k < points.length; k += 2) {
      runs.push(runs.at(-1) + Math.hypot(points[k] - points[k - 2], points[k + 1] - points[k - 1]));
    }
    let band = -1, line = null;
    for (let k = 1; k < runs.length; k++) {
      const own = Math.min(Math.floor(count * runs[k - 1] / runs.at(-1)), count - 1);
      if (own !== band) {
        bands[band = own].push(line = { points: points.slice(2 * k - 2, 2 * k) });
      }
      line.points.push(points[2 * k], points[2 * k + 1]);
    }
  }
  return bands;
}
