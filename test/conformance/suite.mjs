// How a file of tests says what it tests: a server, started when its first test needs it, and for each
// test a world that opens clients and peers and closes them afterwards.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { Client, Peer } from './client.mjs';
import { here } from './places.mjs';
import { NotSupported, Server, which } from './server.mjs';

class World {
  #open = [];

  constructor(server, transport) {
    const [own, peers = 'IPv4'] = transport.split(' to ');
    Object.assign(this, { server, transport: own, peers });
  }

  async client(options = {}) {
    const { transport = this.transport, ...others } = options;
    return this.own(await Client.open(this.server, transport, { peers: this.peers, ...others }));
  }

  /** A client with an allocation, and a peer with a permission there. */
  async pair(options = {}) {
    const client = await this.client(options);
    await client.allocate();
    const peer = await this.peer(options.peerAddress);
    assert.equal((await client.permit(peer.at)).code, undefined);
    return { client, peer };
  }

  async peer(address = this.peers === 'IPv6' ? here.v6 : here.v4[0]) {
    return this.own(await Peer.open(address));
  }

  /** It is closed when the test ends, however it ends. */
  own(closeable) {
    this.#open.push(closeable);
    return closeable;
  }

  async close() {
    for (const each of this.#open.reverse()) await each.close();
  }
}

export const every = ['UDP', 'TCP', 'TLS', 'DTLS', 'UDP6'];

/** An IPv6 client with IPv6 peers too, whose channels the kernel path carries. */
export const everyPair = [...every, 'UDP6 to IPv6'];

/** For one test, in milliseconds. */
const timeout = Number(process.env.CONFORMANCE_TIMEOUT ?? 120_000);

/**
 * `wanted` describes the server. What it returns makes a test for each transport; `todo` is a known
 * failing of Ahoy's.
 */
export function suite(wanted = {}) {
  let started;
  after(async () => (await started?.catch(() => null))?.stop());

  return function over(transports, name, body, { todo } = {}) {
    for (const transport of [transports].flat()) {
      const options = { timeout, ...(todo && which === 'ahoy' ? { todo } : {}) };
      test(transport ? `${name} (${transport})` : name, options, async (t) => {
        let world;
        try {
          started ??= Server.start(wanted);
          world = new World(await started, transport);
          await body(world, t);
        } catch (problem) {
          if (!(problem instanceof NotSupported)) throw problem;
          t.skip(problem.message);
        } finally {
          await world?.close();
        }
        assert.ok(!world || world.server.alive, 'the server lives');
      });
    }
  };
}
