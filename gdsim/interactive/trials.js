// Computations for what is being dragged, of which the newest counts.

const PATIENCE = 8;  // milliseconds of a computation before the next movement cancels it

/** Sends values one after the other: each when the one before has shown the beginning of its paths. */
export class Trials {
  /** `send(edits, ahead)` returns the id of a message. */
  constructor(studio, send) {
    Object.assign(this, { send, current: null, next: null, answered: {} });
    studio.on("piece", ({ id, last }) => this.receive(id, last));
    studio.on("failed", ({ id }) => { if (id === this.current?.id) this.proceed(); });
  }

  /** Try edits that an event at a moment has made; of those that have to wait only the newest is tried. */
  begin(...trial) {
    if (this.current) {
      this.next = trial;
      return;
    }
    const [edits, ahead, moment] = trial;
    this.current = { id: this.send(edits, ahead), moment, began: performance.now() };
  }

  receive(id, isLast) {
    const { current } = this;
    if (id !== current?.id) return;
    this.answered = current;
    if (isLast) this.proceed();
    else current.timer ??= setTimeout(() => this.proceed(), PATIENCE - (performance.now() - current.began));
  }

  proceed() {
    const { next } = this;
    this.forget();
    if (next) this.begin(...next);
  }

  /** Drop what waits, because the text has changed. */
  forget() {
    clearTimeout(this.current?.timer);
    this.current = this.next = null;
  }
}
