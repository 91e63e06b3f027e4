// The program under test: started on free ports, stopped by SIGTERM, and expected to end with status 0.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setInterval as ticks } from 'node:timers/promises';

const binary = process.env.AHOY_BIN ?? fileURLToPath(new URL('../../build/release/ahoy', import.meta.url));
const startMs = 60_000;
const stopMs = 60_000;

// A test that fails before its stop() shall neither hang nor leave a server behind.
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Server {
  log = '';
  #process;
  #ended;

  /** `settings` are further `section.key=value`, on top of the file `config`; `port` is for a server that comes back. */
  static async start(options = {}) {
    // The port that is free for UDP may be somebody's for TCP.
    for (let left = 3; ; --left) {
      try {
        return await Server.#start(options);
      } catch (error) {
        if (left === 1 || options.turnPort || !/uses this port/.test(error.message)) throw error;
      }
    }
  }

  static async #start({ config = '', settings = [], port = 0, turnPort = 0 }) {
    const server = new Server();
    const all = [
      `http.listen=["127.0.0.1:${port}"]`,
      `turn.listen=["127.0.0.1:${turnPort}"]`,
      ...settings,
    ];
    const file = config ? ['--config', config] : [];
    server.#process = spawn(binary, ['serve', ...file, ...all.flatMap((s) => ['--set', s])], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    server.#process.stderr.setEncoding('utf8').on('data', (text) => (server.log += text));
    server.#process.stderr.unref();
    server.#process.unref();
    running.add(server.#process);
    server.#ended = once(server.#process, 'exit').then(([code, signal]) => {
      running.delete(server.#process);
      return { code, signal };
    });
    await server.#ready();
    return server;
  }

  async #ready() {
    let gone = false;
    const failed = this.#ended.then((end) => {
      gone = true;
      throw new Error(`${binary} ended (${JSON.stringify(end)}) before it was ready:\n${this.log}`);
    });
    failed.catch(() => {});
    const deadline = Date.now() + startMs;
    const poll = async () => {
      for await (const _ of ticks(50)) {
        if (gone || Date.now() > deadline) break;
        if (!this.#readPorts()) continue;
        const reply = await fetch(`${this.url}/readyz`).catch(() => null);
        if (reply?.status === 200) return;
      }
      throw new Error(`not ready after ${startMs} ms:\n${this.log}`);
    };
    await Promise.race([poll(), failed]);
  }

  /** The system chose the ports; the log tells which. */
  #readPorts() {
    const ready = /event=server\.ready .*\bhttp=127\.0\.0\.1:(\d+) .*\bturn=(?:127\.0\.0\.1:(\d+)|"")/.exec(this.log);
    if (!ready) return false;
    this.port = Number(ready[1]);
    this.turnPort = Number(ready[2]);
    this.url = `http://127.0.0.1:${this.port}`;
    return true;
  }

  /** Status 0 is part of every test. */
  async stop() {
    this.beginToStop();
    await this.ends();
  }

  get pid() {
    return this.#process.pid;
  }

  /** Has it read its configuration again; its log says when that is done. */
  reload() {
    this.#process.kill('SIGHUP');
  }

  /** SIGTERM, to a server that may have something to wait for; its log says what it does. */
  beginToStop() {
    this.#process.kill('SIGTERM');
  }

  /** It ends by itself, and well. */
  async ends() {
    const watchdog = setTimeout(() => this.#process.kill('SIGKILL'), stopMs);
    const end = await this.#ended;
    clearTimeout(watchdog);
    assert.deepEqual(end, { code: 0, signal: null }, `clean stop; its log:\n${this.log}`);
  }

  /** No goodbye at all: what a crash or a lost machine looks like. */
  async kill() {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }
}
