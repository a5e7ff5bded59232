// The script of the player page: playback, stepping, pointing and dragging. It follows picture.js in one module.

const element = (id) => document.getElementById(id);

// On a phone the picture has a portrait arrangement, which names long values that are the same by their index.

const wide = element("gdsim-drawing").textContent, portrait = element("gdsim-phone");
const phone = portrait && matchMedia(document.querySelector("source").media);
phone?.addEventListener("change", () => location.reload());

function portraitText() {
  const values = wide.match(/"[A-Za-z0-9+/=]{100,}"/g);
  return portrait.textContent.replace(/\{"same":(\d+)\}/g, (_, index) => values[index]);
}

const drawing = JSON.parse(phone?.matches ? portraitText() : wide), { optimizers, readings, size, steps } = drawing;
const picture = createPicture(element("canvas"), drawing), clock = new Clock(drawing);

const words = JSON.parse(element("gdsim-words").textContent);

/** Return an English template in the language of the page, with its values filled in. */
function say(template, values = {}) {
  return (words[template] ?? template).replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Time.

const scrub = element("scrub"), play = element("play"), loop = element("loop"), speed = element("speed");
let shown = null, pointed = null;

const transport = new Transport(picture, clock, {
  speed: () => Number(speed.value), loops: () => pressed(loop), shown: showTime, changed: sayPlaying, stopped: announce,
});

const now = () => transport.now;

/** Return the words for a time: its step, or in a sweep over one setting its value. */
const said = (time) => readings[Math.floor(time)]?.text ?? say("step {n}", { n: Math.floor(time) });

function showTime(time) {
  const step = Math.floor(time);
  if (pointed && pointed.step > time) unpoint();
  scrub.value = time;
  scrub.style.setProperty("--share", time / Math.max(steps, 1));
  for (const { line, cursor } of cursors) {
    line.style.left = `${100 * interpolate(cursor.times, cursor.places, time) / size[0]}%`;
  }
  if (step === shown) return;
  shown = step;
  if (!transport.playing) sayStep();
  element("step").textContent = readings[step]?.text ?? step;
  showFigures(time);
}

/** Return the words for the present time, with the number of steps. */
const whole = () => readings.length ? said(now()) : say("{k} of {n}", { k: said(now()), n: steps });

/** Set the slider's text for screen readers; it is constant during playback, or they would speak continuously. */
function sayStep() {
  scrub.setAttribute("aria-valuetext", transport.playing ? say("playing") : whole());
}

function sayPlaying() {
  const { playing } = transport, does = playing ? say("Pause") : say("Play");
  sayStep();
  play.classList.toggle("playing", playing);
  play.setAttribute("aria-label", does);
  play.title = `${does} (${say("space")})`;
}

const show = () => transport.draw(), go = (time) => transport.go(time), stepBy = (count) => transport.stepBy(count);

// Figures of iterates.

function tuple(numbers) {
  return numbers.length > 1 ? `(${numbers.map(written).join(", ")})` : written(numbers[0]);
}

/** Return the figures of an iterate, given the row of its step and the start. */
function known(layer, iterates, row, start) {
  const { starts, optimizer } = layer.trails[iterates.trail], count = iterates.gradients.length / iterates.values.length;
  const k = row * starts + start, part = (values) => [...values.subarray(k * count, (k + 1) * count)];
  const { label } = optimizers[optimizer], where = drawing.groups[layer.group];
  const name = where ? say("{what} on {where}", { what: label, where }) : label;
  return {
    name: starts > 1 ? say("{name}, start {n}", { name, n: start + 1 }) : name,
    color: optimizers[optimizer].color,
    step: iterates.steps[row],
    point: tuple(part(iterates.points)),
    value: written(iterates.values[k]),
    gradient: tuple(part(iterates.gradients)),
    terms: layer.terms,
  };
}

/** Return the layer, the trail and the iterates of each path that is shown. */
function paths() {
  return picture.layers.flatMap((layer) => layer.iterates.map((iterates) => (
    { layer, iterates, trail: layer.trails[iterates.trail] }
  ))).filter(({ trail }) => !picture.hidden.has(trail.optimizer));
}

/** The figures of a sweep over one setting, each with its numbers: for each optimizer those of all values. */
const figures = drawing.figures.map(({ name, values }) => ({ name, values: doubles(values) }));

/** Return a row for each optimizer that is shown, with its figures at a value of the setting. */
function swept(time) {
  return optimizers.map(({ label, color }, index) => ({
    name: label, color, hidden: picture.hidden.has(index),
    texts: figures.map(({ values }) => {
      const value = values[index * readings.length + Math.floor(time)];
      return Number.isNaN(value) ? say("not reached") : written(value);
    }),
  })).filter(({ hidden }) => !hidden);
}

function rows(time) {
  return paths().map(({ layer, iterates, trail }) => {
    const row = indexAt(iterates.steps, Math.floor(time));
    return known(layer, iterates, row, lowest(iterates, row, trail.starts));
  });
}

function cell(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** Fill the table of figures. */
function showFigures(time) {
  const found = figures.length ? swept(time) : rows(time).map((each) => (
    { ...each, texts: [each.point, each.value, each.gradient] }
  ));
  const body = found.map((each) => {
    const row = document.createElement("tr"), head = cell("th", each.name);
    head.scope = "row";
    head.style.setProperty("--color", each.color);
    row.append(head, ...each.texts.map((text) => cell("td", text)));
    return row;
  });
  element("figures")?.replaceChildren(...body);
  if (element("at")) element("at").textContent = said(time);
}

let announcing = 0;

/** Announce the figures to screen readers, half a second after the last change. */
function announce() {
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    const shown = swept(now()).map(({ name, texts }) => (
      `${name}: ${texts.map((text, i) => `${figures[i].name} ${text}`).join(", ")}.`
    ));
    const words = figures.length ? shown : rows(now()).slice(0, 8).map(({ name, terms: [spot, value, gradient], ...each }) => (
      `${name}: ${spot === say("spot on the plane") ? spot : say("at")} ${each.point}, ${value} ${each.value}, ${gradient} ${each.gradient}.`
    ));
    element("status").textContent = `${whole()}. ${words.join(" ")}`;
  }, 500);
}

// The iterate under the pointer.

const stage = element("picture"), tip = element("tip");

/** Return the position of an event, in pixels of the scene. */
function placeOf(event) {
  const box = stage.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width * size[0], (event.clientY - box.top) / box.height * size[1]];
}

function nearest(x, y, time) {
  // The width of a finger.
  let best = null, reach = 22 * size[0] / stage.clientWidth;
  for (const { layer, iterates, trail } of paths().filter((each) => within(each.layer.box, x, y))) {
    for (let row = 0; row < iterates.steps.length && iterates.steps[row] <= time; row++) {
      for (let start = 0; start < trail.starts; start++) {
        if (iterates.steps[row] > iterates.ends[start]) continue;
        const at = trail.at(start, iterates.steps[row]), away = Math.hypot(at[0] - x, at[1] - y);
        if (away < reach && within(layer.box, ...at)) {
          reach = away;
          const found = known(layer, iterates, row, start), [spot, value, gradient] = found.terms;
          const figures = { [spot]: found.point, [value]: found.value, [gradient]: found.gradient };
          const terms = { [say("step")]: found.step, ...figures };
          best = { ...found, terms, place: at, radius: 0.62 * trail.style.headSize };
        }
      }
    }
  }
  return best;
}

/** Return the figure of the cell of a map at a position, as `known` does of an iterate; null for none. */
function cellAt(x, y) {
  const map = picture.layers.flatMap((layer) => layer.maps).find(({ box }) => within(box, x, y));
  return map?.values ? described(map, ...map.cellAt(x, y)) : null;
}

const runFigure = element("run"), ownBox = runFigure && JSON.parse(runFigure.dataset.box);

/** Show the run of the stored cell of a map that is nearest to a position, or none. */
function showRun(x, y) {
  const map = picture.layers.flatMap((layer) => layer.maps).find(({ box }) => within(box, x, y));
  if (!map || !picture.runs) return hideRun();
  const box = map.runBox ?? ownBox, run = picture.runs.at(map.number, ...map.cellAt(x, y), box);
  const { name, terms } = described(map, ...run.cell), center = map.centerOf(...run.cell);
  picture.run = { ...run, box: map.runBox, center };
  if (!map.runBox) {
    forgetPointed();
    drawOwnRun({ ...run, box }, name, terms, center[0] / size[0]);
  }
  const told = Object.entries(terms).map(([term, words]) => `${term} ${words}`).join(", ");
  clearTimeout(announcing);
  element("status").textContent = say("The run of {name}: {what}.", { name, what: told });
  picture.draw(now());
}

/** Draw a run in a picture of its own, beside the place on the map, of which the share of the width is given. */
function drawOwnRun(run, name, terms, share) {
  element("run-name").textContent = name;
  setTerms(element("run-terms"), terms);
  runFigure.hidden = false;
  runFigure.classList.toggle("left", share > 0.5);
  const canvas = element("run-canvas"), image = element("run-ground"), brush = canvas.getContext("2d");
  const width = Number(image.getAttribute("width")), height = Number(image.getAttribute("height"));
  canvas.width = Math.round(image.clientWidth * devicePixelRatio);
  canvas.height = Math.round(canvas.width * height / width);
  brush.scale(canvas.width / width, canvas.height / height);
  drawRun(brush, run, drawing.colors, drawing.markers.o);
}

function hideRun() {
  picture.run = null;
  if (runFigure) runFigure.hidden = true;
  picture.draw(now());
}

element("run-close")?.addEventListener("click", hideRun);

/** Describe the cell of a map in a column and in a row from the bottom. */
function described(map, column, row) {
  const { label, axes, categories, caption, unknown } = map, value = map.values[map.index(column, row)];
  const step = map.appears[map.index(column, row)], settings = [axes[0].values[column], axes[1].values[row]];
  const text = Number.isNaN(value) ? unknown : categories.length ? categories[value] : written(value);
  return {
    name: [label, ...axes.map(({ name }, i) => `${name} ${written(settings[i])}`)].filter(Boolean).join(", "),
    color: drawing.colors.quiet,
    step: 0,
    terms: { [caption]: text, ...(categories.length && !Number.isNaN(value) ? { [say("from step")]: step } : {}) },
    place: map.centerOf(column, row),
    radius: Math.max(map.box[2] / map.shape[0], 8) / 2,
  };
}

function setTerms(list, terms) {
  list.replaceChildren(...Object.entries(terms).flatMap(([term, words]) => [cell("dt", term), cell("dd", words)]));
}

function point(event) {
  const place = placeOf(event);
  showPointed(nearest(...place, now()) ?? cellAt(...place));
}

/** Show the figures of what is pointed at, or none. */
function showPointed(found) {
  if (!found && !pointed) return;
  pointed = picture.ring = found;
  tip.hidden = !found;
  if (found) {
    element("tip-name").textContent = found.name;
    tip.style.setProperty("--color", found.color);
    setTerms(element("tip-terms"), found.terms);
    const [x, y] = found.place.map((side, i) => side / size[i]);
    tip.style.left = `${100 * x}%`;
    tip.style.top = `${100 * y}%`;
    tip.classList.toggle("left", x > 0.5);
    tip.classList.toggle("above", y > 0.5);
  }
  picture.draw(now());
}

function forgetPointed() {
  pointed = picture.ring = null;
  tip.hidden = true;
}

function unpoint() {
  forgetPointed();
  picture.draw(now());
}

// Panels: a cursor that follows the picture and can be dragged.

const cursors = picture.layers.filter((layer) => layer.cursor).map(({ box: [left, top, width, height], cursor }) => {
  const hold = document.createElement("div"), line = document.createElement("div");
  const share = (length, side) => `${100 * length / size[side]}%`;
  hold.className = "hold";
  line.className = "cursor";
  for (const each of [hold, line]) Object.assign(each.style, { top: share(top, 1), height: share(height, 1) });
  Object.assign(hold.style, { left: share(left, 0), width: share(width, 0) });
  line.style.setProperty("--color", drawing.colors.quiet);
  const drag = (event) => {
    if (event.buttons & 1) go(interpolate(cursor.places, cursor.times, placeOf(event)[0]));
  };
  hold.addEventListener("pointerdown", (event) => {
    hold.setPointerCapture(event.pointerId);
    drag(event);
  });
  hold.addEventListener("pointermove", drag);
  stage.append(line, hold);
  return { line, cursor };
});

// Maps: cells that are reached with the keyboard.

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

for (const map of picture.layers.flatMap((layer) => layer.maps)) {
  const hold = document.createElement("div"), [left, top, width, height] = map.box;
  let cell = map.shape.map((side) => side >> 1);
  const tell = () => {
    const found = described(map, ...cell);
    showPointed(found);
    element("status").textContent = `${found.name}: ${Object.entries(found.terms).map((each) => each.join(" ")).join(", ")}.`;
  };
  Object.assign(hold, { className: "map", tabIndex: 0, role: "application" });
  const name = [map.label, map.caption].filter(Boolean).join(", ");
  const keys = picture.runs ? say("{name}: arrows move, enter shows a run", { name }) : say("{name}: arrows move", { name });
  hold.setAttribute("aria-label", keys);
  Object.assign(hold.style, {
    left: `${100 * left / size[0]}%`, top: `${100 * top / size[1]}%`,
    width: `${100 * width / size[0]}%`, height: `${100 * height / size[1]}%`,
  });
  hold.addEventListener("focus", () => { if (hold.matches(":focus-visible")) tell(); });
  hold.addEventListener("keydown", (event) => {
    const move = MOVES[event.key], far = event.shiftKey ? 10 : 1;
    if (!move && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    if (!move) return showRun(...map.centerOf(...cell));
    cell = cell.map((place, i) => Math.min(Math.max(place + far * move[i], 0), map.shape[i] - 1));
    tell();
  });
  stage.append(hold);
}

// Controls.

function pressed(button) {
  return button.getAttribute("aria-pressed") === "true";
}

function toggle(button) {
  button.setAttribute("aria-pressed", String(!pressed(button)));
}

for (const chip of document.querySelectorAll(".chip")) {
  chip.addEventListener("click", () => {
    toggle(chip);
    const optimizer = Number(chip.dataset.optimizer);
    if (pressed(chip)) picture.hidden.delete(optimizer);
    else picture.hidden.add(optimizer);
    picture.forget();
    unpoint();
    shown = null;
    show();
  });
}

play.addEventListener("click", () => transport.toggle());
element("first").addEventListener("click", () => go(0));
element("back").addEventListener("click", () => stepBy(-1));
element("forth").addEventListener("click", () => stepBy(1));
element("last").addEventListener("click", () => go(steps));
loop.addEventListener("click", () => toggle(loop));
scrub.addEventListener("input", () => go(Number(scrub.value)));
stage.addEventListener("pointermove", point);
stage.addEventListener("pointerdown", point);
stage.addEventListener("click", (event) => {
  if (!event.target.closest("#run")) showRun(...placeOf(event));
});
stage.addEventListener("pointercancel", unpoint);
stage.addEventListener("pointerleave", (event) => {
  // A touch ends immediately, so its result remains until the next touch elsewhere.
  if (event.pointerType !== "touch") unpoint();
});

const KEYS = {
  ArrowLeft: (event) => stepBy(event.shiftKey ? -10 : -1),
  ArrowRight: (event) => stepBy(event.shiftKey ? 10 : 1),
  Home: () => go(0),
  End: () => go(steps),
  Escape: () => {
    hideRun();
    unpoint();
  },
};

/** Keys of the slider only, which the browser would move by less than a step. */
const SLIDER_KEYS = {
  ArrowUp: () => stepBy(1),
  ArrowDown: () => stepBy(-1),
  PageUp: () => stepBy(10),
  PageDown: () => stepBy(-10),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, pre, .scroll")) return;
  const button = event.target.closest("button, summary"), keys = event.target === scrub ? SLIDER_KEYS : {};
  const action = event.key === " " && !button ? () => play.click() : KEYS[event.key] ?? keys[event.key];
  if (!action) return;
  if (event.key !== "Escape") event.preventDefault();
  action(event);
});

// Full screen, if the page may request it.

const full = element("full"), player = element("player");
full.hidden = !document.fullscreenEnabled;
full.addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else player.requestFullscreen().catch(() => {});
});

// In an iframe only the picture is shown at first; a button shows the rest.

const more = element("more");
document.documentElement.classList.toggle("embedded", window.self !== window.top);
more.addEventListener("click", () => {
  const open = document.documentElement.classList.toggle("open");
  more.setAttribute("aria-expanded", String(open));
  // scrollIntoView would also scroll the parent page, such as a slide.
  scrollTo({ top: open ? element("details").offsetTop : 0, behavior: lessMotion.matches ? "auto" : "smooth" });
});

// The configuration.

/** Copy with the deprecated API where the clipboard API is not permitted, as in many iframes. */
function copiedOld(source) {
  getSelection().selectAllChildren(source);
  return document.execCommand("copy");
}

element("copy")?.addEventListener("click", async (event) => {
  const button = event.currentTarget, source = element("yaml");
  let copied = true;
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    source.closest("details").open = true;
    copied = copiedOld(source);
  }
  button.textContent = copied ? say("Copied") : say("Selected: press Ctrl+C");
  setTimeout(() => { button.textContent = say("Copy the YAML"); }, 2000);
});

// Printing: the last frame, at a higher resolution.

/** Make one image of the whole picture, because browsers print canvases with content that was cleared. */
function makePoster() {
  const { width, height } = picture.canvas, canvas = Object.assign(document.createElement("canvas"), { width, height });
  const brush = canvas.getContext("2d");
  for (const image of [element("ground"), picture.canvas]) brush.drawImage(image, 0, 0, width, height);
  element("poster").src = canvas.toDataURL("image/webp", 0.95);
}

let interrupted = null;
addEventListener("beforeprint", () => {
  interrupted = { place: transport.place, playing: transport.playing };
  transport.setPlaying(false);
  transport.place = clock.last;
  forgetPointed();
  picture.resize(Math.max(devicePixelRatio, 3));
  show();
  makePoster();
});
addEventListener("afterprint", () => {
  element("poster").removeAttribute("src");
  transport.place = interrupted.place;
  transport.setPlaying(interrupted.playing);
  picture.resize();
  show();
});

// The picture is as large as the space allows, which depends on the height of the controls.

const controls = element("controls");
new ResizeObserver(() => {
  player.style.setProperty("--controls", `${controls.offsetHeight}px`);
}).observe(controls);
new ResizeObserver(() => {
  picture.resize();
  picture.draw(now());
}).observe(stage);

/** The interface for other scripts on the page. */
player.controls = { picture, go, start: () => transport.start(), pause: () => transport.pause(), now };

picture.ready.then(() => {
  transport.setPlaying(steps > 0 && !lessMotion.matches);
  picture.resize();
  show();
  document.documentElement.classList.add("ready");
});
