// Shapes on a canvas. An ES module; lengths are in pixels of the scene.

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
export function fill(brush, shapes, color, edge, edgeWidth, alpha = 1) {
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
