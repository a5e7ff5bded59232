// The time of an animation, which plays, pauses and steps. An ES module, which a page contains in one element with its
// own script.

import { interpolate } from "./numbers.js";

const FADE = 400;  // the duration of the fade from the last frame to the first, in milliseconds

export const lessMotion = matchMedia("(prefers-reduced-motion: reduce)");

/** Converts between fractional frame indices and times in steps; the last frame is held. */
export class Clock {
  constructor({ frames, fps, hold }) {
    this.times = frames;
    this.places = Float32Array.from(this.times, (_, i) => i);
    this.fps = fps;
    this.last = this.times.length - 1;
    this.end = this.last + hold * fps;
    // The frames of a sweep go back from the last value.
    this.turn = this.times.lastIndexOf(Math.max(...this.times));
  }

  timeAt(place) {
    const time = interpolate(this.places, this.times, Math.min(place, this.last)), whole = Math.round(time);
    // Removes rounding errors, so that a requested step is exact.
    return Math.abs(time - whole) < 1e-6 ? whole : time;
  }

  placeAt(time) {
    return interpolate(this.times.subarray(0, this.turn + 1), this.places, time);
  }
}

export class Transport {
  // Functions of the host: `speed()` and `loops()`; `shown(time)` is called after each frame, `changed()` when playback
  // begins or ends, and `stopped()` when the user has stopped it.
  constructor(picture, clock, host) {
    Object.assign(this, { picture, clock, host, playing: false, ticked: 0, fading: -Infinity });
    this.place = lessMotion.matches ? clock.last : 0;
  }

  /** The time in steps. */
  get now() {
    return this.clock.timeAt(this.place);
  }

  get steps() {
    return this.picture.drawing.steps;
  }

  draw() {
    const { clock, place, picture } = this, share = (this.ticked - this.fading) / FADE;
    if (share < 1) picture.drawFading(this.now, share);
    else picture.draw(this.now, Math.max(place - clock.last, 0) / (clock.end - clock.last || 1));
    this.host.shown(this.now);
  }

  tick(moment) {
    const { clock, host } = this;
    // Limited, so that the animation continues where it was after the page was hidden.
    this.place += Math.min((moment - this.ticked) / 1000, 0.1) * clock.fps * host.speed();
    this.ticked = moment;
    if (this.place >= clock.end) {
      if (host.loops()) this.restart();
      else {
        this.place = clock.last;
        this.pause();
      }
    }
    if (this.playing) this.request();
    this.draw();
  }

  request() {
    this.ticking = requestAnimationFrame((moment) => this.tick(moment));
  }

  /** Go to the first frame; the last one fades into it, unless the user prefers reduced motion. */
  restart() {
    this.place = 0;
    if (!lessMotion.matches) {
      this.picture.keep();
      this.fading = this.ticked;
    }
  }

  setPlaying(wanted) {
    this.fading = -Infinity;
    cancelAnimationFrame(this.ticking);
    if (wanted) this.request();
    this.playing = wanted;
    this.ticked = performance.now();
    this.host.changed();
  }

  start() {
    if (!this.steps) return;
    if (this.place >= this.clock.last) this.place = 0;
    this.setPlaying(true);
  }

  pause() {
    this.setPlaying(false);
    this.host.stopped();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.start();
  }

  /** Stop, and show a time. */
  go(time) {
    this.setPlaying(false);
    this.place = this.clock.placeAt(Math.min(Math.max(time, 0), this.steps));
    this.draw();
    this.host.stopped();
  }

  stepBy(count) {
    this.go((count > 0 ? Math.floor(this.now) : Math.ceil(this.now)) + count);
  }
}
