// Group N: NAT behaviour discovery (RFC 5780), and what of classic STUN (RFC 3489) is asked for.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { attribute, Message, method, Received, readAddress, uint16, uint32 } from './stun.mjs';
import { granted, refused } from './client.mjs';
import { suite } from './suite.mjs';
import { Inbox } from './transport.mjs';

const over = suite({ discovery: true, classic: true, listen: { v4: '127.0.0.1', other: '127.0.0.2', v6: '::1' } });
const without = suite();
const changeIp = 4, changePort = 2;
const binding = () => new Message(method.binding);

/** A socket that takes answers from anywhere. */
async function open(world) {
  const inbox = new Inbox();
  const socket = createSocket('udp4', (bytes, { address, port }) => inbox.put({ answer: new Received(bytes), from: { address, port } }));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { address, port } = world.server.at('UDP');
  return world.own({
    port: socket.address().port,
    ask: (message) => (socket.send(message.bytes(), port, address), inbox.take('answer')),
    inbox,
    close: () => socket.close(),
  });
}

const plain = (answer, type) => readAddress(answer.get(type));

over('UDP', 'N01 OTHER-ADDRESS has another address and port', async (world) => {
  const socket = await open(world);
  const { answer } = await socket.ask(binding());
  const other = plain(granted(answer), attribute.otherAddress);
  assert.notEqual(other.address, world.server.at('UDP').address);
  assert.notEqual(other.port, world.server.at('UDP').port);
});

over('UDP', 'N02 RESPONSE-ORIGIN is where the answer comes from', async (world) => {
  const socket = await open(world);
  const { answer, from } = await socket.ask(binding());
  assert.deepEqual(plain(granted(answer), attribute.responseOrigin), from);
});

for (const [name, flags] of [['another address', changeIp], ['another port', changePort], ['both', changeIp | changePort]]) {
  over('UDP', `N03 CHANGE-REQUEST is answered from ${name}`, async (world) => {
    const socket = await open(world);
    const { answer, from } = await socket.ask(binding().add(attribute.changeRequest, uint32(flags)));
    granted(answer);
    const at = world.server.at('UDP');
    assert.equal(from.address !== at.address, (flags & changeIp) !== 0);
    assert.equal(from.port !== at.port, (flags & changePort) !== 0);
  });
}

over('UDP', 'N04 RESPONSE-PORT moves the answer to that port', async (world) => {
  const [socket, other] = [await open(world), await open(world)];
  socket.ask(binding().add(attribute.responsePort, uint16(other.port))).catch(() => {});
  granted((await other.inbox.take('answer')).answer);
  socket.inbox.close();
});

over('UDP', 'N05 PADDING is answered with no more than came', async (world) => {
  const socket = await open(world);
  const message = binding().add(attribute.padding, Buffer.alloc(512));
  const { answer } = await socket.ask(message);
  assert.ok(answer.bytes.length <= message.bytes().length, `${answer.bytes.length} bytes`);
});

without(['UDP', 'TCP', 'TLS', 'DTLS', 'UDP6'], 'N06 switched off, CHANGE-REQUEST gets 420', async (world) => {
  const client = await world.client();
  const answer = refused(await client.ask(binding().add(attribute.changeRequest, uint32(changeIp))), 420);
  assert.deepEqual(answer.get(attribute.unknownAttributes).subarray(0, 2), Buffer.from([0, 3]));
});

without('UDP', 'N06 switched off, there is no OTHER-ADDRESS and no RESPONSE-ORIGIN', async (world) => {
  const answer = await (await world.client()).fence();
  assert.ok(!answer.has(attribute.otherAddress) && !answer.has(attribute.responseOrigin), String(answer));
});

without('UDP', 'A02 a request of classic STUN, without the cookie, is not answered', async (world) => {
  const client = await world.client();
  const classic = binding().bytes();
  classic.fill(9, 4, 8);
  await client.silence(classic);
});
