// Group L: TCP allocations (RFC 6062 §5).

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { attribute, channelData, indication, Message, method, uint32, uint8 } from './stun.mjs';
import { channel, data, granted, lifetime, peer, refused } from './client.mjs';
import { users, which } from './server.mjs';
import { here } from './places.mjs';
import { suite } from './suite.mjs';
import { Inbox } from './transport.mjs';

const over = suite({ tcpRelay: true });
const without = suite();
const streams = ['TCP', 'TLS'];
const tcp = [attribute.requestedTransport, uint8(6)];
const connectionId = (value) => [attribute.connectionId, value];

/** A peer's connection, whichever side opened it. */
class Connection {
  inbox = new Inbox();

  constructor(socket) {
    this.socket = socket;
    socket.on('data', (bytes) => this.inbox.put(bytes)).on('error', () => {});
    socket.on('end', () => this.inbox.close());
    socket.on('close', () => this.inbox.close());
  }

  close() {
    this.socket.destroy();
  }

  /** Exactly so many bytes, however they come. */
  async read(size) {
    let all = Buffer.alloc(0);
    while (all.length < size) all = Buffer.concat([all, await this.inbox.take('bytes of the relay') ?? assert.fail('closed')]);
    return all;
  }
}

class Listener {
  #inbox = new Inbox();

  static async open(world) {
    const self = world.own(new Listener());
    const accept = (socket) => self.#inbox.put(world.own(new Connection(socket)));
    self.server = createServer({ allowHalfOpen: true }, accept);
    self.server.listen(0, here.v4[0]);
    await once(self.server, 'listening');
    self.at = { address: here.v4[0], port: self.server.address().port };
    return self;
  }

  accept() {
    return this.#inbox.take('connection');
  }

  close() {
    this.server.close();
  }
}

async function control(world) {
  const client = await world.client();
  await client.allocate([tcp]);
  return client;
}

/** ConnectionBind, first with what the control connection knows; its nonce may be of no use here. */
async function askBind(second, client, attributes) {
  Object.assign(second, { realm: client.realm, nonce: client.nonce });
  const answer = await second.request(method.connectionBind, attributes);
  if (answer.code !== 438) return answer;
  second.remember(answer);
  return second.request(method.connectionBind, attributes);
}

/** A connection of the client's that is bound to a peer's. */
async function bindConnection(world, client, id) {
  const second = await world.client();
  granted(await askBind(second, client, [connectionId(id)]));
  return second;
}

async function connected(world) {
  const client = await control(world);
  const listener = await Listener.open(world);
  const answer = granted(await client.request(method.connect, [peer(listener.at)]));
  const connection = await listener.accept();
  listener.close();
  return { client, connection, listener, id: answer.get(attribute.connectionId) };
}

over(['UDP', 'DTLS'], 'L01 a TCP allocation over a datagram transport gets 400', async (world) => {
  const client = await world.client();
  refused(await client.request(method.allocate, [tcp]), 400);
});

over(streams, 'L02 with DONT-FRAGMENT, EVEN-PORT or RESERVATION-TOKEN it gets 400', async (world) => {
  const client = await world.client();
  for (const more of [[attribute.dontFragment], [attribute.evenPort, Buffer.from([0])], [attribute.reservationToken, Buffer.alloc(8)]]) {
    refused(await client.request(method.allocate, [tcp, more]), 400);
  }
});

without(streams, 'L03 switched off, a TCP allocation gets 442', async (world) => {
  const client = await world.client();
  refused(await client.request(method.allocate, [tcp]), 442);
});

over(streams, 'L04 the relayed port listens after Allocate', async (world) => {
  const client = await control(world);
  const { socket } = world.own(new Connection(connect({ host: client.relayed.address, port: client.relayed.port })));
  // Without permission it may be reset at once; refused would be that nobody listens.
  const failure = await new Promise((resolve) => socket.on('connect', () => resolve()).on('error', resolve));
  assert.notEqual(failure?.code, 'ECONNREFUSED');
});

over(streams, 'L05 Connect without an allocation gets 437', async (world) => {
  const client = await world.client();
  refused(await client.request(method.connect, [peer({ address: here.v4[0], port: 9 })]), 437);
});

over(streams, 'L06 Connect without a peer gets 400', async (world) => {
  const client = await control(world);
  refused(await client.request(method.connect), 400);
  refused(await client.request(method.connect, [[attribute.xorPeerAddress, Buffer.alloc(3)]]), 400);
});

over(streams, 'L07 a second Connect to the same peer gets 446', async (world) => {
  const client = await control(world);
  const listener = await Listener.open(world);
  granted(await client.request(method.connect, [peer(listener.at)]));
  refused(await client.request(method.connect, [peer(listener.at)]), 446);
  listener.close();
});

over(streams, 'L08 Connect to a forbidden peer gets 403', async (world) => {
  const client = await control(world);
  refused(await client.request(method.connect, [peer({ address: '10.0.0.1', port: 80 })]), 403);
});

over(streams, 'L09 a connection that cannot be made gets 447', async (world) => {
  const client = await control(world);
  const listener = await Listener.open(world);
  listener.close();
  refused(await client.request(method.connect, [peer(listener.at)]), 447);
});

over(streams, 'L10 the peer sees the relayed address', async (world) => {
  const { client, connection } = await connected(world);
  assert.deepEqual({ address: connection.socket.remoteAddress, port: connection.socket.remotePort }, client.relayed);
});

over(streams, 'L11 the success has a CONNECTION-ID of its own', async (world) => {
  const [first, second] = [await connected(world), await connected(world)];
  assert.equal(first.id.length, 4);
  assert.notDeepEqual(first.id, second.id);
});

over(streams, 'L12 what a peer sends before ConnectionBind is kept', async (world) => {
  const { client, connection, id } = await connected(world);
  connection.socket.write('early');
  const second = await bindConnection(world, client, id);
  assert.equal(String(await second.link.inbox.take('bytes')), 'early');
});

over(['UDP', 'DTLS'], 'L13 ConnectionBind over a datagram transport gets 400', async (world) => {
  const client = await world.client();
  refused(await client.request(method.connectionBind, [connectionId(uint32(1))]), 400);
});

over(streams, 'L14 ConnectionBind without an id, or with an unknown or a bound one, gets 400', async (world) => {
  const { client, id } = await connected(world);
  await bindConnection(world, client, id);
  for (const attributes of [[], [connectionId(uint32(0x12345678))], [connectionId(id)]]) {
    const second = await world.client();
    refused(await askBind(second, client, attributes), 400);
  }
});

over(streams, 'L15 ConnectionBind is authenticated, and for the allocation\'s user', async (world) => {
  const { client, id } = await connected(world);
  const bob = await world.client({ user: 'bob', password: users.bob });
  const answer = await askBind(bob, client, [connectionId(id)]);
  assert.ok([400, 401, 441].includes(answer.code), String(answer));
  await bindConnection(world, client, id);
});

over(streams, 'L16 after ConnectionBind the connection is bytes, those behind the request too', async (world) => {
  const { client, connection, id } = await connected(world);
  const second = await world.client();
  Object.assign(second, { realm: client.realm, nonce: client.nonce });
  // A nonce for this connection, where the control connection's is none: nothing can be asked twice
  // when bytes follow. coturn would close instead of telling.
  if (which !== 'coturn') await second.challenge();
  const bind = second.signed(method.connectionBind, [connectionId(id)]);
  await second.send(Buffer.concat([bind.bytes(), Buffer.from('behind')]));
  granted(await second.answerTo(bind));
  assert.equal(String(await connection.read(6)), 'behind');
  connection.socket.write('back');
  assert.equal(String(await second.link.inbox.take('bytes')), 'back');
});

over(streams, 'L18 a peer without permission is closed and nothing is said of it', async (world) => {
  const client = await control(world);
  const stranger = world.own(new Connection(connect({ host: client.relayed.address, port: client.relayed.port })));
  assert.equal(await stranger.inbox.take('end'), undefined);
  await client.fence();
  assert.equal(client.unread, 0);
});

over(streams, 'L19 a peer with permission is told of by ConnectionAttempt', async (world) => {
  const client = await control(world);
  granted(await client.permit({ address: here.v4[0], port: 0 }));
  const connection = world.own(new Connection(connect({ host: client.relayed.address, port: client.relayed.port })));
  const attempt = await client.next();
  assert.equal(attempt.bytes.readUInt16BE(0), 0x001c);
  assert.equal(attempt.address(attribute.xorPeerAddress).port, connection.socket.localPort);
  const second = await bindConnection(world, client, attempt.get(attribute.connectionId));
  await second.send(Buffer.from('hello'));
  assert.equal(String(await connection.read(5)), 'hello');
});

over(streams, 'L20 a TCP allocation has no Send, no ChannelBind and no ChannelData', async (world) => {
  const { client, connection, listener } = await connected(world);
  const answer = await client.request(method.channelBind, [channel(0x4000), peer(listener.at)]);
  assert.ok([400, 403].includes(answer.code), String(answer));
  await client.silence(new Message(method.send, indication).all([peer(listener.at), data(Buffer.from('udp'))]));
  await client.send(channelData(0x4000, Buffer.alloc(4)));
  await client.fence();
  assert.equal(connection.inbox.length, 0);
});

over(streams, 'L21 with the control connection the others close', async (world) => {
  const { client, connection, id } = await connected(world);
  const second = await bindConnection(world, client, id);
  await client.close();
  assert.equal(await connection.inbox.take('end'), undefined);
  assert.equal(await second.link.inbox.take('end'), undefined);
});

over(streams, 'L21 with the allocation too', async (world) => {
  const { client, connection } = await connected(world);
  granted(await client.refresh([lifetime(0)]));
  assert.equal(await connection.inbox.take('end'), undefined);
});

over('TCP', 'L22 the end of one direction is passed on, and the other goes on', async (world) => {
  const { client, connection, id } = await connected(world);
  const second = await bindConnection(world, client, id);
  second.link.socket.end('last words');
  assert.equal(String(await connection.read(10)), 'last words');
  assert.equal(await connection.inbox.take('end'), undefined);
});

over(streams, 'L23 a megabyte passes both ways, whole', async (world) => {
  const { client, connection, id } = await connected(world);
  const second = await bindConnection(world, client, id);
  const bytes = Buffer.alloc(1 << 20, 'ahoy');
  second.send(bytes);
  assert.deepEqual(await connection.read(bytes.length), bytes);
  connection.socket.write(bytes);
  let got = Buffer.alloc(0);
  while (got.length < bytes.length) got = Buffer.concat([got, await second.link.inbox.take('bytes')]);
  assert.deepEqual(got, bytes);
});

const limited = suite({ tcpRelay: true, bandwidth: 400_000 });

limited(streams, 'F37 above the bandwidth limit the bytes of a connection come later, and all of them', async (world) => {
  const { client, connection, id } = await connected(world);
  const second = await bindConnection(world, client, id);
  const bytes = Buffer.alloc(600_000, 'abcdefg');
  const began = performance.now();
  const all = connection.read(bytes.length);
  for (let i = 0; i < bytes.length; i += 20_000) await second.send(bytes.subarray(i, i + 20_000));
  assert.ok((await all).equals(bytes));
  assert.ok(performance.now() - began > 450, 'half a second is what the rate takes for it');
});
