// The state of the studio: the text of the config with its history, and the messages to and from the server.

import { Trials } from "./trials.js";

const PAUSE = 1500;  // milliseconds after which another change is undone by itself
const TYPING = 150;  // milliseconds without a key until a typed text is sent

/** Kinds of answers of which only the one to the newest question counts. */
const NEWEST = new Set(["state", "drawing", "piece", "checked"]);

/**
 * The text of a config is the truth. Changes of it are a list of texts, and the server answers what follows from one.
 *
 * Events: each message of the server by its type, and "text" (a new text), "history", "hidden", "notice".
 */
export class Studio {
  constructor(connection) {
    this.connection = connection;
    this.listeners = {};
    this.text = "";
    this.saved = "";
    this.file = null;
    this.config = null;
    this.mistakes = [];
    this.hidden = new Set();
    this.runsCode = true;
    this.history = [];
    this.place = -1;
    this.pending = [];
    this.lastId = 0;
    this.awaited = new Set();
    this.newest = {};
    this.trials = new Trials(this, (edits, ahead) => (
      this.send({ type: "try", text: this.text, edits: [...this.pending, ...edits], ahead })
    ));
    connection.onmessage = (message, buffers) => this.receive(message, buffers);
  }

  on(type, listener) {
    (this.listeners[type] ??= []).push(listener);
  }

  /** Call a function with the one answer to a message, which has one of some types. */
  once(types, id, listener) {
    const answered = (message) => {
      if (message.id !== id) return;
      for (const type of types) this.listeners[type] = this.listeners[type].filter((each) => each !== answered);
      this.awaited.delete(id);
      listener(message);
    };
    for (const type of types) this.on(type, answered);
    this.awaited.add(id);
  }

  emit(type, ...values) {
    for (const listener of this.listeners[type] ?? []) listener(...values);
  }

  /** Show a sentence for some seconds. */
  say(words, seconds = 6) {
    this.emit("notice", words, seconds);
  }

  /** Ask for the first config, of which that of a link is a change. */
  open() {
    this.asked = this.send({ type: "open" });
    if (this.place >= 0) this.sendText();
  }

  /** Go on after the connection was lost, perhaps with a new server. */
  resume() {
    const { text, saved, file } = this;
    this.asked = this.send({ type: "open", text, saved, ...(file && { file }) });
    if (this.pending.length) this.edit([]);
  }

  /** Send a message and return its id. */
  send(message, buffers = []) {
    const id = ++this.lastId;
    this.connection.send({ id, ...message, ...(this.runsCode ? {} : { code: false }) }, buffers);
    return id;
  }

  receive(message, buffers) {
    const { type, id } = message;
    if (NEWEST.has(type)) {
      if (id < (this.newest[type] ?? 0)) return;
      this.newest[type] = id;
    }
    if (type === "hello") {
      if (!this.hello) this.file = message.file;
      this.hello = message;
    }
    if (type === "closed") this.lose();
    if (type === "changed") this.replace(message);
    if (type === "deleted") {
      this.markSaved(null);
      this.say(`${this.file} has been deleted: save to write it again.`, Infinity);
    }
    if (type === "drawing") this.drawing = message.drawing;
    if (type === "failed" && (id === this.asked || id === null)) {
      this.pending = [];
      this.say(message.message);
    }
    if (type === "state" && !this.accept(message)) return;
    this.emit(type, message, buffers);
  }

  /** Take over the answer to a change of the text, unless there is a newer change. */
  accept({ id, text, config, mistakes }) {
    if (id < (this.asked ?? 0)) return false;
    const first = this.place < 0;
    this.pending = [];
    Object.assign(this, { config, mistakes });
    if (this.typing) return true;  // what is being typed is newer
    this.record(text, this.gesture);
    if (first) this.markSaved(text);
    return true;
  }

  /** Take over a text that has changed elsewhere, such as in an editor. */
  replace({ text, lossless }) {
    if (lossless && text !== this.text && this.text !== this.saved) {
      this.say(`${this.file} has also changed on disk: save to replace it, or reload the page to take it.`, Infinity);
      return;
    }
    this.setText(text);
    this.markSaved(text);
  }

  /** Answer what the server no longer does. */
  lose() {
    this.trials.forget();
    for (const id of this.awaited) this.emit("failed", { type: "failed", id, message: "The server has ended." });
  }

  markSaved(text) {
    this.saved = text;
    this.emit("history");
  }

  /** Replace the whole text, as typing in it does. */
  setText(text, gesture = null) {
    this.record(text, gesture);
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.sendText(), gesture ? TYPING : 0);
  }

  sendText() {
    this.trials.forget();
    this.typing = 0;
    this.pending = [];
    this.gesture = null;
    this.asked = this.send({ type: "text", text: this.text });
  }

  /** Change values of the config; changes of one gesture that follow each other are undone together. */
  edit(edits, gesture = null) {
    this.trials.forget();
    this.pending.push(...edits);
    this.gesture = gesture;
    this.asked = this.send({ type: "edit", text: this.text, edits: this.pending });
  }

  /** Show the paths that some edits, which an event at a moment has made, would give. */
  try(edits, ahead = [], moment = performance.now()) {
    this.trials.begin(edits, ahead, moment);
  }

  record(text, gesture) {
    if (text === this.text && this.place >= 0) return;
    const now = performance.now(), joins = gesture !== null && gesture === this.joined && now - this.changed < PAUSE;
    this.history.length = this.place + 1;
    if (joins && this.place > 0) this.history[this.place] = text;
    else this.place = this.history.push(text) - 1;
    Object.assign(this, { text, joined: gesture, changed: now });
    this.emit("text", text);
    this.emit("history");
  }

  get canUndo() {
    return this.place > 0;
  }

  get canRedo() {
    return this.place < this.history.length - 1;
  }

  /** Return the color of an optimizer's path. */
  colorOf(label) {
    const own = this.config?.optimizers?.[label]?.color;
    const drawn = this.drawing?.optimizers.find((each) => each.label === label);
    return /^#[0-9a-f]{6}$/i.test(own) ? own : drawn?.color ?? "#888888";
  }

  /** Resolves when the text contains all edits. */
  settled() {
    return new Promise((resolve) => {
      if (!this.pending.length) resolve();
      else this.once(["state", "failed"], this.asked, resolve);
    });
  }

  undo() {
    if (this.canUndo) this.go(this.place - 1);
  }

  redo() {
    if (this.canRedo) this.go(this.place + 1);
  }

  go(place) {
    clearTimeout(this.typing);
    Object.assign(this, { place, text: this.history[place], joined: null });
    this.emit("text", this.text);
    this.emit("history");
    this.sendText();
  }

  /** Show or hide the paths of an optimizer in the picture, which is not part of the config. */
  toggleHidden(label) {
    if (!this.hidden.delete(label)) this.hidden.add(label);
    this.emit("hidden");
  }
}

const bytes = (stream) => new Response(stream).arrayBuffer();

/** Return the part of a link that holds a config, compressed. */
export async function packed(text) {
  const buffer = await bytes(new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw")));
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return `config=${btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}

/** Return the config in a link, or null. */
export async function unpacked(link) {
  const code = /#config=([\w-]+)$/.exec(link)?.[1];
  if (!code) return null;
  const letters = atob(code.replaceAll("-", "+").replaceAll("_", "/"));
  const blob = new Blob([Uint8Array.from(letters, (letter) => letter.charCodeAt(0))]);
  const buffer = await bytes(blob.stream().pipeThrough(new DecompressionStream("deflate-raw")));
  return new TextDecoder("utf-8", { fatal: true }).decode(buffer);
}
