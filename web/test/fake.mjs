// A network and a clock that only move when a test says so.

export class FakeTransport {
  sockets = [];
  #now = 0;
  #timers = new Set();

  socket(url, handlers) {
    const socket = {
      url,
      sent: [],
      ended: false,
      send: (text) => socket.sent.push(JSON.parse(text)),
      close: () => socket.drop(),
      open: () => handlers.opened(),
      receive: (frame) => handlers.received(typeof frame === 'string' ? frame : JSON.stringify(frame)),
      drop: () => {
        if (socket.ended) return;
        socket.ended = true;
        handlers.closed();
      },
    };
    this.sockets.push(socket);
    return socket;
  }

  get latest() {
    return this.sockets[this.sockets.length - 1];
  }

  now() {
    return this.#now;
  }

  after(milliseconds, run) {
    const timer = { at: this.#now + milliseconds, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  random() {
    return 0.5;
  }

  /** Lets time pass, and promises settle in between. */
  async pass(milliseconds) {
    const end = this.#now + milliseconds;
    for (;;) {
      await settle();
      const next = [...this.#timers].filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers.delete(next);
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
    await settle();
  }
}

export async function settle() {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}
