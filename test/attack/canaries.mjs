// Honest pairs that talk while the server is attacked, in a thread of their own: besides() of web.mjs starts it.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { entered, joined } from './web.mjs';

/** A pair of each dialect, in rooms of their own, each of which says something and hears it. */
class Canaries {
  #open = true;
  late = [];

  static async at(server) {
    const canaries = new Canaries();
    const room = `canary-${randomUUID()}`;
    const [a, b] = [await joined(server, room), await joined(server, room)];
    const [c, d] = [await entered(server, `${room}-native`), await entered(server, `${room}-native`)];
    canaries.ways = [
      { say: (text) => a.socket.say({ cmd: 'send', msg: text }), hear: async () => (await b.socket.hear())?.msg },
      { say: (text) => d.ask('signal', { to: c.number, data: text }), hear: async () => (await c.socket.hearOf('signal'))?.data },
    ];
    canaries.sockets = [a, b, c, d].map((each) => each.socket);
    canaries.singing = Promise.all(canaries.ways.map((way) => canaries.#sing(way)));
    canaries.singing.catch(() => {});
    return canaries;
  }

  async #sing({ say, hear }) {
    for (let n = 1; this.#open; n++) {
      const since = performance.now();
      say(String(n));
      assert.equal(await hear(), String(n), 'what an honest client says is heard');
      this.late.push(performance.now() - since);
      // Their pace: below what one socket may say in a second.
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Ends the song: all of it was heard. The result is a line for the report. */
  async stop() {
    this.#open = false;
    await this.singing;
    for (const socket of this.sockets) socket.close();
    const sorted = this.late.toSorted((a, b) => a - b);
    const at = (share) => sorted[Math.floor((sorted.length - 1) * share)].toFixed(1);
    return `${sorted.length} messages of honest pairs, median ${at(0.5)} ms, p99 ${at(0.99)} ms`;
  }
}

const canaries = await Canaries.at(workerData);
parentPort.postMessage('here');
await once(parentPort, 'message');
parentPort.postMessage(await canaries.stop());
parentPort.close();
