// What the reader does with the picture: the script of the page begins in picture.js.

// Time. A place counts frames, with a fraction; the last frame stands for a while before all begins anew.

const still = matchMedia("(prefers-reduced-motion: reduce)");
const frames = floats(scene.frames), last = frames.length - 1, end = last + scene.hold * scene.fps;
const order = Float32Array.from(frames, (_, i) => i);
const scrub = element("scrub"), play = element("play"), loop = element("loop"), speed = element("speed");
let place = still.matches ? last : 0, playing = false, ticking = 0, ticked = 0, shown = null;

function now() {
  const time = between(order, frames, Math.min(place, last)), whole = Math.round(time);
  // Who went to a step is there, and not a rounding error before it.
  return Math.abs(time - whole) < 1e-6 ? whole : time;
}

function show() {
  const time = now(), step = Math.floor(time);
  if (pointed && pointed.step > time) forgetPointed();
  drawFrame(time);
  scrub.value = time;
  scrub.style.setProperty("--share", time / Math.max(scene.steps, 1));
  for (const { line, rail } of cursors) line.style.left = `${100 * between(rail.times, rail.places, time) / scene.size[0]}%`;
  if (step === shown) return;
  shown = step;
  if (!playing) sayStep();
  element("step").textContent = step;
  tell(time);
}

/** What a screen reader says of the slider: while it moves by itself one thing, or it would never be silent. */
function sayStep() {
  scrub.setAttribute("aria-valuetext", playing ? "playing" : `step ${Math.floor(now())} of ${scene.steps}`);
}

function tick(moment) {
  // After the page was out of sight the animation goes on where it was.
  place += Math.min((moment - ticked) / 1000, 0.1) * scene.fps * Number(speed.value);
  ticked = moment;
  if (place >= end) {
    if (pressed(loop)) place = 0;
    else {
      place = last;
      pause();
    }
  }
  if (playing) ticking = requestAnimationFrame(tick);
  show();
}

function setPlaying(wanted) {
  cancelAnimationFrame(ticking);
  if (wanted) ticking = requestAnimationFrame(tick);
  playing = wanted;
  ticked = performance.now();
  sayStep();
  play.classList.toggle("playing", wanted);
  play.setAttribute("aria-label", wanted ? "Pause" : "Play");
  play.title = wanted ? "Pause (space)" : "Play (space)";
}

function start() {
  if (!scene.steps) return;
  if (place >= last) place = 0;
  setPlaying(true);
}

function pause() {
  setPlaying(false);
  announce();
}

/** Stop, and show a time. */
function go(time) {
  setPlaying(false);
  place = between(frames, order, Math.min(Math.max(time, 0), scene.steps));
  show();
  announce();
}

function stepBy(count) {
  go((count > 0 ? Math.floor(now()) : Math.ceil(now())) + count);
}

// What the figures are.

const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 4, useGrouping: false });

function written(number) {
  if (!Number.isFinite(number)) return "not a number";
  const size = Math.abs(number);
  // Of a number that is written out no digit is made up.
  const text = size && (size < 1e-3 || size >= 1e4) ? number.toExponential(3) : digits.format(size && number);
  return text.replaceAll("-", "−");
}

function tuple(numbers) {
  return numbers.length > 1 ? `(${numbers.map(written).join(", ")})` : written(numbers[0]);
}

/** What is known of an iterate: the row of its step, and which start. */
function known(pane, figures, row, start) {
  const { starts, style } = pane.trails[figures.trace], size = figures.gradients.length / figures.values.length;
  const k = row * starts + start, part = (values) => [...values.subarray(k * size, (k + 1) * size)];
  const name = [scene.styles[style].label, scene.groups[pane.group]].filter(Boolean).join(" on ");
  return {
    name: starts > 1 ? `${name}, start ${start + 1}` : name,
    style,
    step: figures.steps[row],
    point: tuple(part(figures.points)),
    value: written(figures.values[k]),
    gradient: tuple(part(figures.gradients)),
    terms: pane.terms,
  };
}

/** Of several starts the one whose value is lowest. */
function lowest(figures, row, starts) {
  let best = 0;
  for (let start = 1; start < starts; start++) {
    const value = figures.values[row * starts + start], least = figures.values[row * starts + best];
    if (value < least || Number.isNaN(least)) best = start;
  }
  return best;
}

function* rows(time) {
  for (const pane of panes) {
    for (const figures of pane.figures) {
      const trail = pane.trails[figures.trace];
      if (hidden.has(trail.style)) continue;
      const row = before(figures.steps, Math.floor(time));
      yield known(pane, figures, row, lowest(figures, row, trail.starts));
    }
  }
}

function cell(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** The table of figures at a step. */
function tell(time) {
  const body = [...rows(time)].map((each) => {
    const row = document.createElement("tr"), head = cell("th", each.name);
    head.scope = "row";
    head.style.setProperty("--color", scene.styles[each.style].color);
    row.append(head, ...[each.point, each.value, each.gradient].map((text) => cell("td", text)));
    return row;
  });
  element("figures")?.replaceChildren(...body);
  if (element("at")) element("at").textContent = Math.floor(time);
}

let announcing = 0;

/** Say the figures to those who do not see them, once the reader has come to rest. */
function announce() {
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    const told = [...rows(now())].slice(0, 8);
    const words = told.map(({ name, terms: [spot, value, gradient], ...each }) => (
      `${name}: ${spot.includes("spot") ? spot : "at"} ${each.point}, ${value} ${each.value}, ${gradient} ${each.gradient}.`
    ));
    element("status").textContent = `Step ${Math.floor(now())} of ${scene.steps}. ${words.join(" ")}`;
  }, 500);
}

// The iterate under the pointer.

const tip = element("tip");

/** Where an event happened, in pixels of the picture as it was planned. */
function spotOf(event) {
  const box = picture.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width * scene.size[0], (event.clientY - box.top) / box.height * scene.size[1]];
}

function nearest(x, y, time) {
  // As far as a finger is wide.
  let best = null, room = 22 * scene.size[0] / picture.clientWidth;
  for (const pane of panes.filter((each) => within(each.box, x, y))) {
    for (const figures of pane.figures) {
      const trail = pane.trails[figures.trace];
      if (hidden.has(trail.style)) continue;
      for (let row = 0; row < figures.steps.length && figures.steps[row] <= time; row++) {
        for (let start = 0; start < trail.starts; start++) {
          if (figures.steps[row] > figures.ends[start]) continue;
          const spot = trail.at(start, figures.steps[row]), away = Math.hypot(spot[0] - x, spot[1] - y);
          if (away < room && within(pane.box, ...spot)) {
            room = away;
            best = { pane, figures, row, start, spot, step: figures.steps[row], size: 0.62 * trail.ink.head };
          }
        }
      }
    }
  }
  return best;
}

function fill(list, terms) {
  list.replaceChildren(...Object.entries(terms).flatMap(([term, words]) => [cell("dt", term), cell("dd", words)]));
}

function point(event) {
  const found = nearest(...spotOf(event), now());
  if (!found && !pointed) return;
  pointed = found;
  tip.hidden = !found;
  if (found) {
    const each = known(found.pane, found.figures, found.row, found.start);
    element("tip-name").textContent = each.name;
    tip.style.setProperty("--color", scene.styles[each.style].color);
    const [spot, value, gradient] = each.terms;
    fill(element("tip-terms"), {
      step: each.step, [spot]: each.point, [value]: each.value, [gradient]: each.gradient,
    });
    const [x, y] = found.spot.map((side, i) => side / scene.size[i]);
    tip.style.left = `${100 * x}%`;
    tip.style.top = `${100 * y}%`;
    tip.classList.toggle("left", x > 0.5);
    tip.classList.toggle("above", y > 0.5);
  }
  drawFrame(now());
}

function forgetPointed() {
  pointed = null;
  tip.hidden = true;
}

function unpoint() {
  forgetPointed();
  drawFrame(now());
}

// Panels: a line in step with the picture, and dragging.

const cursors = panes.filter((pane) => pane.rail).map((pane) => {
  const [left, top, width, height] = pane.box, hold = document.createElement("div"), line = document.createElement("div");
  const share = (length, side) => `${100 * length / scene.size[side]}%`;
  hold.className = "hold";
  line.className = "cursor";
  for (const each of [hold, line]) Object.assign(each.style, { top: share(top, 1), height: share(height, 1) });
  Object.assign(hold.style, { left: share(left, 0), width: share(width, 0) });
  line.style.setProperty("--color", scene.colors.quiet);
  const drag = (event) => {
    if (event.buttons & 1) go(between(pane.rail.places, pane.rail.times, spotOf(event)[0]));
  };
  hold.addEventListener("pointerdown", (event) => {
    hold.setPointerCapture(event.pointerId);
    drag(event);
  });
  hold.addEventListener("pointermove", drag);
  picture.append(line, hold);
  return { line, rail: pane.rail };
});

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
    const style = Number(chip.dataset.style);
    if (pressed(chip)) hidden.delete(style);
    else hidden.add(style);
    unpoint();
    forget();
    shown = null;
    show();
  });
}

play.addEventListener("click", () => playing ? pause() : start());
element("first").addEventListener("click", () => go(0));
element("back").addEventListener("click", () => stepBy(-1));
element("forth").addEventListener("click", () => stepBy(1));
element("last").addEventListener("click", () => go(scene.steps));
loop.addEventListener("click", () => toggle(loop));
scrub.addEventListener("input", () => go(Number(scrub.value)));
picture.addEventListener("pointermove", point);
picture.addEventListener("pointerdown", point);
picture.addEventListener("pointercancel", unpoint);
picture.addEventListener("pointerleave", (event) => {
  // A finger that has tapped is gone at once; what it asked for stays until it taps elsewhere.
  if (event.pointerType !== "touch") unpoint();
});

const KEYS = {
  ArrowLeft: (event) => stepBy(event.shiftKey ? -10 : -1),
  ArrowRight: (event) => stepBy(event.shiftKey ? 10 : 1),
  Home: () => go(0),
  End: () => go(scene.steps),
  Escape: () => unpoint(),
};

/** Keys that the slider alone has; left to the browser they would move it by less than a step. */
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

// The whole screen, where a page may ask for it.

const full = element("full"), player = element("player");
full.hidden = !document.fullscreenEnabled;
full.addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else player.requestFullscreen().catch(() => {});
});

// Within another page there is room for the picture alone; the rest is shown when it is asked for.

const more = element("more");
document.documentElement.classList.toggle("embedded", window.self !== window.top);
more.addEventListener("click", () => {
  const open = document.documentElement.classList.toggle("open");
  more.setAttribute("aria-expanded", String(open));
  // By an element's scrollIntoView the page around would be moved as well, and with it a slide.
  scrollTo({ top: open ? element("details").offsetTop : 0, behavior: still.matches ? "auto" : "smooth" });
});

// The configuration.

/** Copy by the old way where the new one is closed to a page, as it is in many an iframe. */
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
  button.textContent = copied ? "Copied" : "Selected: press Ctrl+C";
  setTimeout(() => { button.textContent = "Copy the YAML"; }, 2000);
});

// On paper stands the last frame, finer than on a screen.

let interrupted = null;
addEventListener("beforeprint", () => {
  interrupted = { place, playing };
  setPlaying(false);
  place = last;
  unpoint();
  measure(Math.max(devicePixelRatio, 3));
  show();
  takePoster();
});
addEventListener("afterprint", () => {
  element("poster").removeAttribute("src");
  place = interrupted.place;
  setPlaying(interrupted.playing);
  measure();
  show();
});

// The picture is as large as its place allows, once it is known how much the controls take.

const controls = element("controls");
new ResizeObserver(() => {
  player.style.setProperty("--controls", `${controls.offsetHeight}px`);
}).observe(controls);
new ResizeObserver(() => {
  measure();
  drawFrame(now());
}).observe(picture);

sheet.src = scene.sheet;
sheet.decode().then(() => {
  setPlaying(scene.steps > 0 && !still.matches);
  measure();
  show();
  document.documentElement.classList.add("ready");
});
