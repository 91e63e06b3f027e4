// A wire to the server that a test can cut and mend.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class Proxy {
  #open = true;
  #sockets = new Set();
  #listener;

  static async to(server) {
    const proxy = new Proxy();
    proxy.#listener = createServer((inner) => proxy.#join(inner, server.port)).listen(0, '127.0.0.1');
    await once(proxy.#listener, 'listening');
    proxy.url = `http://127.0.0.1:${proxy.#listener.address().port}`;
    return proxy;
  }

  #join(inner, port) {
    if (!this.#open) {
      inner.destroy();
      return;
    }
    const outer = connect(port, '127.0.0.1');
    for (const [from, to] of [[inner, outer], [outer, inner]]) {
      this.#sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }

  /** Everything that is open breaks, and nothing new gets through. */
  cut() {
    this.#open = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#open = true;
  }

  async close() {
    this.cut();
    this.#listener.close();
    await once(this.#listener, 'close');
  }
}
