// The script of the player page: playback, stepping, pointing and dragging. It follows the others in one module.

const element = (id) => document.getElementById(id);

// On a phone the picture has a portrait arrangement, which names long values that are the same by their index.

const wide = element("gdsim-drawing").textContent, portrait = element("gdsim-phone");
const phone = portrait && matchMedia(document.querySelector("source").media);
phone?.addEventListener("change", () => location.reload());

function portraitText() {
  const values = wide.match(/"[\w:;,+/=]{100,}"/g);
  return portrait.textContent.replace(/\{"same":(\d+)\}/g, (_, index) => values[index]);
}

const drawing = JSON.parse(phone?.matches ? portraitText() : wide);
const picture = createPicture(element("canvas"), drawing), clock = new Clock(drawing);

/** The figures of a sweep over one setting are numbers of each optimizer, for all values one after the other. */
const { figures, optimizers, readings, size, steps } = drawing;

const words = JSON.parse(element("gdsim-words").textContent);

/** Return an English template in the language of the page, with its values filled in. */
function say(template, values) {
  return filled(words[template] ?? template, values);
}

// Time.

const scrub = element("scrub"), play = element("play"), loop = element("loop"), speed = element("speed");
let shown = null;

const transport = new Transport(picture, clock, {
  speed: () => Number(speed.value), loops: () => pressed(loop), shown: showTime, changed: sayPlaying, stopped: announce,
});

const now = () => transport.now;

/** Return the words for a time: its step, or in a sweep over one setting its value. */
const said = (time) => readings[Math.floor(time)]?.text ?? say("step {n}", { n: Math.floor(time) });

function showTime(time) {
  const step = Math.floor(time);
  pointing.follow(time);
  scrub.value = time;
  scrub.style.setProperty("--share", time / Math.max(steps, 1));
  cursors.follow(time);
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

// Figures.

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

/** Fill the table of figures. */
function showFigures(time) {
  const found = figures.length ? swept(time) : pointing.rows(time).map((each) => (
    { ...each, texts: [each.point, each.value, each.gradient] }
  ));
  const body = found.map((each) => {
    const row = document.createElement("tr"), head = make("th", "", each.name);
    head.scope = "row";
    head.style.setProperty("--color", each.color);
    row.append(head, ...each.texts.map((text) => make("td", "", text)));
    return row;
  });
  element("figures")?.replaceChildren(...body);
  if (element("at")) element("at").textContent = said(time);
}

let announcing = 0;

function tell(words) {
  clearTimeout(announcing);
  element("status").textContent = words;
}

/** Announce the figures to screen readers, half a second after the last change. */
function announce() {
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    const shown = swept(now()).map(({ name, texts }) => (
      `${name}: ${texts.map((text, i) => `${figures[i].name} ${text}`).join(", ")}.`
    ));
    const words = figures.length ? shown : pointing.told(now());
    tell(`${whole()}. ${words.join(" ")}`);
  }, 500);
}

const stage = element("picture"), pointing = new Pointing(stage, picture, { say, tell, now, rests: () => true });

const cursors = new Cursors(stage, picture, go);

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
    pointing.forget();
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

const KEYS = {
  ArrowLeft: (event) => stepBy(event.shiftKey ? -10 : -1),
  ArrowRight: (event) => stepBy(event.shiftKey ? 10 : 1),
  Home: () => go(0),
  End: () => go(steps),
  Escape: () => {
    pointing.hideRun();
    pointing.unpoint();
  },
  ".": () => pointing.next(1),
  ",": () => pointing.next(-1),
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
  pointing.forget();
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
