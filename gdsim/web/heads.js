// What is drawn at the heads of paths: drop lines, tangents, outlines and arrows. An ES module.

import { interpolate, rowAt } from "./numbers.js";
import { fill, stroke, within } from "./shapes.js";

/** Draw a thin line from each visible head to its foot, if that is visible, and the shadow under the head. */
export function drawDrops(brush, layer, drops, time) {
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
export function drawTangents(brush, layer, tangents, time) {
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

/** Return the indices and the heads of the starts of a trail that are visible. */
function visibleHeads(layer, trail, time) {
  const heads = Array.from({ length: trail.starts }, (_, start) => [start, trail.at(start, time)]);
  return heads.filter(([start, head]) => within(layer.box, ...head) && !trail.hidesAt(start, time));
}

/** Draw outlines around the heads. */
export function drawOutlines(brush, layer, { trail: index, steps, matrices, shape, width, fill: alpha }, time) {
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
export function drawArrows(brush, layer, arrows, time) {
  const trail = layer.trails[arrows.trail], row = rowAt(arrows.steps, arrows.vectors, time);
  const found = visibleHeads(layer, trail, time).map(([start, head]) => [head, row.subarray(2 * start, 2 * start + 2)]);
  const long = found.filter(([, vector]) => Math.hypot(...vector) >= arrows.shortest);
  for (const { color, edge, edgeWidth, width, factor } of arrows.styles) {
    const shapes = long.map(([head, [across, down]]) => arrow(...head, factor * across, factor * down, width));
    fill(brush, shapes, color, edge, edgeWidth);
  }
}

/** A copy that arrows or outlines leave at a time; committed like a trail. */
export class Stamp {
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
