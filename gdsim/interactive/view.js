// A view of a drawing: between points of a function's domain, coordinates of the view, and pixels of the picture.

import { decode } from "./numbers.js";

const MESH = 3;  // the number of steps of the grid per step of a mesh

/** Return the sine and the cosine of an angle in degrees. */
const direction = (angle) => [Math.sin(angle * Math.PI / 180), Math.cos(angle * Math.PI / 180)];

export class View {
  constructor(live, box) {
    Object.assign(this, decode(live), { box });
    this.flat = this.kind === "contour";
    this.columns = this.shape.at(-1);
    this.rows = this.y ? this.shape[0] : 1;
    if (this.camera) this.turn(this.camera.azimuth, this.camera.elevation);
    else this.grid = this.pixels;
  }

  /** See a surface from angles in degrees, as `SurfaceCamera` in `scene/camera.py` projects it. */
  turn(azimuth, elevation) {
    const { camera, columns, rows } = this, { heights, sides, target, distance, scale, middle } = camera;
    const [[sin, cos], [rise, fall]] = [azimuth, elevation].map(direction);
    Object.assign(camera, { azimuth, elevation });
    this.grid = new Float32Array(2 * rows * columns);
    for (let k = 0; k < heights.length; k++) {
      const x = (2 * (k % columns) / (columns - 1) - 1) * sides[0], z = heights[k] - target;
      const y = (2 * Math.floor(k / columns) / (rows - 1) - 1) * sides[1], ahead = x * cos + y * sin;
      const nearness = scale * distance / (distance - ahead * fall - z * rise);
      this.grid[2 * k] = middle[0] + (y * cos - x * sin) * nearness;
      this.grid[2 * k + 1] = middle[1] - (z * fall - ahead * rise) * nearness;
    }
  }

  /** Return quadrilaterals of a coarse mesh of a surface, those behind first. */
  mesh() {
    const [sin, cos] = direction(this.camera.azimuth), sides = [[0, 0], [0, MESH], [MESH, MESH], [MESH, 0]], found = [];
    for (let row = 0; row + MESH < this.rows; row += MESH) {
      for (let column = 0; column + MESH < this.columns; column += MESH) {
        const corners = sides.map(([up, across]) => this.at(row + up, column + across));
        const depth = (2 * column / this.columns - 1) * cos + (2 * row / this.rows - 1) * sin;
        if (corners.flat().every(Number.isFinite)) found.push({ corners, depth });
      }
    }
    return found.sort((one, other) => one.depth - other.depth).map(({ corners }) => corners);
  }

  /** Return the coordinates of a point of the domain. */
  project(point) {
    return this.axes.map((axis) => axis.reduce((sum, part, i) => sum + part * (point[i] - this.origin[i]), 0));
  }

  /** Return a point of the domain moved to coordinates, which keeps its distance from what the view shows. */
  moved(point, coordinates) {
    const moves = this.project(point).map((old, k) => coordinates[k] - old);
    return point.map((part, i) => part + moves.reduce((sum, move, k) => sum + move * this.axes[k][i], 0));
  }

  at(row, column) {
    const k = 2 * (row * this.columns + column);
    return [this.grid[k], this.grid[k + 1]];
  }

  /** Return the pixel of coordinates; NaN outside of a view that is not flat. */
  pixel([x, y]) {
    const across = (x - this.x[0]) / (this.x[1] - this.x[0]) * (this.columns - 1);
    const up = this.y ? (y - this.y[0]) / (this.y[1] - this.y[0]) * (this.rows - 1) : 0;
    const isInside = across >= 0 && across <= this.columns - 1 && up >= 0 && up <= Math.max(this.rows - 1, 0);
    if (!this.flat && !isInside) return [NaN, NaN];
    const column = Math.min(Math.max(Math.floor(across), 0), this.columns - 2), s = across - column;
    const row = Math.min(Math.max(Math.floor(up), 0), Math.max(this.rows - 2, 0)), t = up - row;
    const between = (one, other) => one.map((part, i) => part + s * (other[i] - part));
    const low = between(this.at(row, column), this.at(row, column + 1));
    if (!this.y) return low;
    const high = between(this.at(row + 1, column), this.at(row + 1, column + 1));
    return low.map((part, i) => part + t * (high[i] - part));
  }

  /** Return the coordinates of a pixel: on a surface, those of the point that is seen there. */
  coordinates(x, y) {
    const [left, low] = this.at(0, 0), [right, high] = this.at(this.rows - 1, this.columns - 1);
    const along = ([first, last], share) => first + share * (last - first);
    if (!this.y) return [along(this.x, (x - left) / (right - left))];
    if (this.flat) return [along(this.x, (x - left) / (right - left)), along(this.y, (y - low) / (high - low))];
    return this.nearest(x, y);
  }

  /** Return the coordinates of the point of a surface that is nearest to a pixel. */
  nearest(x, y) {
    let best = Infinity, row = 0, column = 0;
    for (let k = 0; k < this.grid.length; k += 2) {
      const away = Math.hypot(this.grid[k] - x, this.grid[k + 1] - y);
      if (away < best) [best, row, column] = [away, Math.floor(k / 2 / this.columns), k / 2 % this.columns];
    }
    const here = this.at(row, column), right = this.at(row, Math.min(column + 1, this.columns - 1));
    const up = this.at(Math.min(row + 1, this.rows - 1), column);
    const [ax, ay, bx, by] = [right[0] - here[0], right[1] - here[1], up[0] - here[0], up[1] - here[1]];
    const area = ax * by - ay * bx || Infinity, dx = x - here[0], dy = y - here[1];
    const limited = (share) => Math.min(Math.max(share, -0.5), 0.5);
    const place = [column + limited((dx * by - dy * bx) / area), row + limited((ax * dy - ay * dx) / area)];
    const share = [place[0] / (this.columns - 1), place[1] / (this.rows - 1)];
    return [this.x, this.y].map(([first, last], i) => first + Math.min(Math.max(share[i], 0), 1) * (last - first));
  }

  /** Round a point to the resolution of the picture. */
  rounded(point) {
    return rounded(point, Math.min(...[this.x, this.y ?? this.x].map(([low, high]) => Math.abs(high - low))));
  }
}

/** Round numbers to a thousandth of a span, so that a configuration has short ones. */
export function rounded(values, span) {
  const decimals = Math.min(Math.max(Math.ceil(-Math.log10(span / 1000)), 0), 12);
  return values.map((value) => Number(value.toFixed(decimals)));
}
