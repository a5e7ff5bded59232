// The paths of an experiment that is being computed, as trails of a picture.

const FINE = 8;  // the number of segments per step on a curve or a surface
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
}

export class Paths {
  constructor() {
    this.forget();
  }

  forget() {
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

  /** Return the trails of a view, given the records of the trails of its layer in the drawing. */
  trails(view, records) {
    return view.optimizers.flatMap((optimizer, i) => {
      const iterates = this.iterates.get(`${view.objective} ${optimizer}`);
      if (!iterates) return [];
      const record = records[view.trails[i]], last = iterates.count - 1;
      const found = [this.trail(view, record, iterates, 0, iterates.fresh - 1)];
      if (iterates.fresh < iterates.count) {
        const stale = this.trail(view, record, iterates, iterates.fresh - 1, last);
        found.unshift({ ...stale, style: { ...stale.style, headSize: 0, alpha: STALE } });
      }
      return found;
    });
  }

  trail(view, record, iterates, first, last) {
    const fine = view.flat ? 1 : FINE, count = fine * (last - first) + 1, { starts } = iterates;
    const times = Float32Array.from({ length: count }, (_, k) => first + k / fine);
    const points = new Float32Array(2 * starts * count);
    for (let start = 0; start < starts; start++) {
      const corners = [];
      for (let row = first; row <= last; row++) corners.push(view.project(iterates.point(row, start)));
      for (let k = 0; k < count; k++) {
        const row = Math.floor(k / fine), share = k / fine - row, here = corners[row];
        const place = share ? here.map((part, j) => part + share * (corners[row + 1][j] - part)) : here;
        points.set(view.pixel(place), 2 * (start * count + k));
      }
    }
    const bands = record.style.taper === 1 ? null : bandsOf(points, starts, count, record.style.widths.length);
    return {
      ...record, starts, times, points, bands, commitTimes: new Float32Array(0), fadeBands: [], fade: null,
      dotted: null, hidden: null, openings: null, style: { ...record.style, dotSize: 0 },
    };
  }
}

/** Return the index of the width after each vertex, by the length of its path up to there. */
function bandsOf(points, starts, count, widths) {
  const bands = new Uint8Array(starts * count), runs = new Float64Array(count);
  for (let start = 0; start < starts; start++) {
    for (let k = 1; k < count; k++) {
      const at = 2 * (start * count + k);
      runs[k] = runs[k - 1] + (Math.hypot(points[at] - points[at - 2], points[at + 1] - points[at - 1]) || 0);
    }
    const whole = runs[count - 1] || 1;
    for (let k = 0; k < count; k++) bands[start * count + k] = Math.min(Math.floor(widths * runs[k] / whole), widths - 1);
  }
  return bands;
}
