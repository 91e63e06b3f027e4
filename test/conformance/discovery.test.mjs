// Group N: NAT behaviour discovery (RFC 5780), and what of classic STUN (RFC 3489) is asked for.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { attribute, Message, method, Received, readAddress, uint16, uint32 } from './stun.mjs';
import { granted, refused } from './client.mjs';
import { allOfTheServers, here, theServers } from './places.mjs';
import { suite } from './suite.mjs';
import { Inbox } from './transport.mjs';

const listen = { ...theServers, other: allOfTheServers[1] };
const over = suite({ discovery: true, classic: true, listen });
const without = suite();
const changeIp = 4, changePort = 2;
const changes = [['another address', changeIp], ['another port', changePort], ['both', changeIp | changePort]];
const binding = () => new Message(method.binding);

/** A socket that takes answers from anywhere. */
async function open(world, read = (bytes) => new Received(bytes)) {
  const inbox = new Inbox();
  const socket = createSocket('udp4', (bytes, { address, port }) => inbox.put({ answer: read(bytes), from: { address, port } }));
  socket.bind(0, here.v4[0]);
  await once(socket, 'listening');
  const at = world.server.at('UDP');
  const self = {
    address: { address: here.v4[0], port: socket.address().port },
    ask: (message, { address, port } = at) => (socket.send(message.bytes(), port, address), inbox.take('answer')),
    inbox,
    close: () => socket.close(),
  };
  return world.own(self);
}

const plain = (answer, type) => readAddress(answer.get(type));

over('UDP', 'N01 OTHER-ADDRESS has another address and port', async (world) => {
  const socket = await open(world);
  const { answer } = await socket.ask(binding());
  const other = plain(granted(answer), attribute.otherAddress);
  assert.notEqual(other.address, world.server.at('UDP').address);
  assert.notEqual(other.port, world.server.at('UDP').port);
});

over('UDP', 'N01 at OTHER-ADDRESS the other one is the first', async (world) => {
  const socket = await open(world);
  const other = plain((await socket.ask(binding())).answer, attribute.otherAddress);
  const { answer, from } = await socket.ask(binding(), other);
  assert.deepEqual(from, other);
  assert.deepEqual(plain(granted(answer), attribute.otherAddress), world.server.at('UDP'));
});

over('TCP', 'N01 OTHER-ADDRESS is told over TCP, and answers there', async (world) => {
  const other = plain(await (await world.client()).fence(), attribute.otherAddress);
  await (await world.client({ at: other })).fence();
});

over('UDP', 'N02 RESPONSE-ORIGIN is where the answer comes from', async (world) => {
  const socket = await open(world);
  const { answer, from } = await socket.ask(binding());
  assert.deepEqual(plain(granted(answer), attribute.responseOrigin), from);
});

for (const [name, flags] of changes) {
  over('UDP', `N03 CHANGE-REQUEST is answered from ${name}`, async (world) => {
    const socket = await open(world);
    const { answer, from } = await socket.ask(binding().add(attribute.changeRequest, uint32(flags)));
    assert.deepEqual(plain(granted(answer), attribute.responseOrigin), from);
    const at = world.server.at('UDP');
    assert.equal(from.address !== at.address, (flags & changeIp) !== 0);
    assert.equal(from.port !== at.port, (flags & changePort) !== 0);
  });
}

over(['TCP', 'DTLS'], 'N03 over a connection nothing else can answer, so CHANGE-REQUEST gets 420', async (world) => {
  const client = await world.client();
  refused(await client.ask(binding().add(attribute.changeRequest, uint32(changeIp))), 420);
});

over('UDP', 'N04 RESPONSE-PORT moves the answer to that port', async (world) => {
  const [socket, other] = [await open(world), await open(world)];
  socket.ask(binding().add(attribute.responsePort, uint16(other.address.port))).catch(() => {});
  const { answer } = await other.inbox.take('answer');
  assert.deepEqual(granted(answer).address(attribute.xorMappedAddress), socket.address);
  socket.inbox.close();
});

over('UDP', 'N04 RESPONSE-PORT with PADDING gets 400', async (world) => {
  const socket = await open(world);
  const { answer } = await socket.ask(binding()
    .add(attribute.responsePort, uint16(socket.address.port)).add(attribute.padding, Buffer.alloc(512)));
  refused(answer, 400);
});

over('TCP', 'N04 over TCP RESPONSE-PORT gets 420', async (world) => {
  refused(await (await world.client()).ask(binding().add(attribute.responsePort, uint16(4000))), 420);
});

for (const size of [512, 1500]) {
  over('UDP', `N05 PADDING of ${size} bytes is answered with PADDING, and no more than came`, async (world) => {
    const socket = await open(world);
    const message = binding().add(attribute.padding, Buffer.alloc(size));
    const { answer } = await socket.ask(message);
    assert.ok(granted(answer).has(attribute.padding));
    assert.ok(answer.bytes.length <= message.bytes().length, `${answer.bytes.length} bytes`);
  });
}

/** A request of RFC 3489, and the addresses in its answer. */
const transaction = Buffer.from('a transaction id');
const classicBinding = (...parts) => ({
  bytes: () => Buffer.concat([Buffer.from([0, 1, 0, Buffer.concat(parts).length]), transaction, ...parts]),
});
function readClassic(bytes) {
  assert.equal(bytes.readUInt16BE(0), 0x0101);
  assert.equal(bytes.readUInt16BE(2), bytes.length - 20);
  assert.deepEqual(bytes.subarray(4, 20), transaction);
  const found = new Map();
  for (let at = 20; at < bytes.length; at += 4 + bytes.readUInt16BE(at + 2)) {
    found.set(bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + bytes.readUInt16BE(at + 2)));
  }
  return { mapped: readAddress(found.get(1)), source: readAddress(found.get(4)), changed: readAddress(found.get(5)) };
}

over('UDP', 'N01 a request of classic STUN is answered with MAPPED-, SOURCE- and CHANGED-ADDRESS', async (world) => {
  const socket = await open(world, readClassic);
  const { answer, from } = await socket.ask(classicBinding());
  assert.deepEqual(answer.mapped, socket.address);
  assert.deepEqual(answer.source, from);
  assert.notEqual(answer.changed.address, from.address);
  assert.notEqual(answer.changed.port, from.port);
});

for (const [name, flags] of changes) {
  over('UDP', `N03 CHANGE-REQUEST of classic STUN is answered from ${name}`, async (world) => {
    const socket = await open(world, readClassic);
    const { answer, from } = await socket.ask(classicBinding(Buffer.from([0, 3, 0, 4]), uint32(flags)));
    assert.deepEqual(answer.source, from);
    const at = world.server.at('UDP');
    assert.equal(from.address !== at.address, (flags & changeIp) !== 0);
    assert.equal(from.port !== at.port, (flags & changePort) !== 0);
  });
}

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
