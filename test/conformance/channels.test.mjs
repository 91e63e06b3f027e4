// Group J: channels (RFC 8656 §12).

import assert from 'node:assert/strict';
import { attribute, channelData, method } from './stun.mjs';
import { channel, granted, peer, refused, udp } from './client.mjs';
import { here } from './places.mjs';
import { every, everyPair, suite } from './suite.mjs';

const over = suite();
const at = (port, address = here.v4[0]) => ({ address, port });
const hello = Buffer.from('hello');
const first = 0x4000;
const datagrams = everyPair.filter((transport) => /^(UDP|DTLS)/.test(transport));
const said = async (listener) => String((await listener.receive()).bytes);

async function bound(world) {
  const client = await world.client();
  await client.allocate();
  const listener = await world.peer();
  granted(await client.bind(first, listener.at));
  return { client, listener };
}

over(every, 'J01 without a number or a peer ChannelBind gets 400', async (world) => {
  const client = await world.client();
  await client.allocate();
  refused(await client.request(method.channelBind, [channel(first)]), 400);
  refused(await client.request(method.channelBind, [peer(at(9))]), 400);
  refused(await client.request(method.channelBind), 400);
});

const strict = suite({ strictChannels: true });
for (const [name, make, numbers] of [['in RFC 8656\'s range', strict, [0x0000, 0x3fff, 0x5000, 0x7fff, 0xffff]],
  ['with RFC 5766\'s range too', over, [0x0000, 0x3fff, 0x7fff, 0x8000, 0xffff]]]) {
  make(every, `J02 a channel number that is none gets 400, ${name}`, async (world) => {
    const client = await world.client();
    await client.allocate();
    for (const number of numbers) refused(await client.bind(number, at(9)), 400, number.toString(16));
    for (const number of [0x4000, 0x4fff]) granted(await client.bind(number, at(number)));
  });
}

over(every, 'J03 a channel that has another peer gets 400', async (world) => {
  const { client, listener } = await bound(world);
  refused(await client.bind(first, at(listener.at.port ^ 1)), 400);
  refused(await client.bind(first, at(listener.at.port, here.v4[1])), 400);
  granted(await client.bind(first, listener.at));
});

over(every, 'J04 a peer that has another channel gets 400', async (world) => {
  const { client, listener } = await bound(world);
  refused(await client.bind(first + 1, listener.at), 400);
});

over(everyPair, 'J05 the same pair again is a success', async (world) => {
  const { client, listener } = await bound(world);
  granted(await client.bind(first, listener.at));
  await client.relay(first, hello);
  assert.equal(await said(listener), 'hello');
});

over(every, 'J06 a peer of another family gets 443, a forbidden one 403', async (world) => {
  const client = await world.client();
  await client.allocate();
  refused(await client.bind(first, at(9, here.v6)), 443);
  refused(await client.bind(first, at(9, '10.0.0.1')), 403);
});

over('UDP', 'J06 a client that binds channels without end gets 508', async (world) => {
  const client = await world.client();
  await client.allocate();
  for (let i = 0; i < 4096; i++) {
    const answer = await client.bind(first + i, at(1024 + i));
    if (answer.code) return void refused(answer, 508);
  }
  assert.fail('4096 channels were given');
});

over(everyPair, 'J07 a channel is a permission too', async (world) => {
  const { client, listener } = await bound(world);
  const second = await world.peer();
  await client.indicate(second.at, hello);
  assert.equal(await said(second), 'hello');
  await second.send(hello, client.relayed);
  assert.deepEqual((await client.next()).address(attribute.xorPeerAddress), second.at);
  assert.ok(listener);
});

over(everyPair, 'J09 ChannelData of no channel is dropped', async (world) => {
  const { client, listener } = await bound(world);
  await client.relay(first + 1, Buffer.from('no'));
  await client.relay(first, Buffer.from('yes'));
  assert.equal(await said(listener), 'yes');
  await client.fence();
  assert.equal(client.unread, 0);
});

over(datagrams, 'J10 ChannelData longer than its datagram is dropped, shorter is cut', async (world) => {
  const { client, listener } = await bound(world);
  await client.send(channelData(first, hello, { length: 6 }));
  await client.send(channelData(first, Buffer.from('long'), { length: 0xffff }));
  await client.send(Buffer.from([0x40, 0, 0]));
  await client.send(channelData(first, hello, { length: 4 }));
  assert.equal(await said(listener), 'hell');
});

over(everyPair, 'J11 ChannelData of no bytes is an empty datagram', async (world) => {
  const { client, listener } = await bound(world);
  await client.relay(first, Buffer.alloc(0));
  assert.equal((await listener.receive()).bytes.length, 0);
  await listener.send(Buffer.alloc(0), client.relayed);
  assert.deepEqual(await client.next(), Buffer.from([0x40, 0, 0, 0]));
});

over(datagrams, 'J12 in datagrams padding is taken, and not sent', async (world) => {
  const { client, listener } = await bound(world);
  for (const padTo of [1, 4]) {
    await client.send(channelData(first, hello, { padTo }));
    assert.equal(await said(listener), 'hello');
  }
  await listener.send(hello, client.relayed);
  assert.equal((await client.next()).length, 9);
});

over(['TCP', 'TLS'], 'J13 on streams ChannelData is padded to four bytes, both ways', async (world) => {
  const { client, listener } = await bound(world);
  for (const size of [1, 2, 3, 4, 5]) {
    const bytes = Buffer.alloc(size, 'x');
    const message = channelData(first, bytes, { padTo: 4 });
    await client.send(message.subarray(0, 4 + size));
    await client.send(message.subarray(4 + size)); // the padding may come late
    assert.deepEqual((await listener.receive()).bytes, bytes);
    await listener.send(bytes, client.relayed);
    assert.deepEqual(await client.next(), channelData(first, bytes)); // the padding is cut off
  }
  await client.fence();
});

over(datagrams, 'J14 what begins with 0x80 to 0xff is dropped', async (world) => {
  const { client, listener } = await bound(world);
  for (const number of [0x8000, 0xffff, 0x7fff]) await client.send(channelData(number, Buffer.from('no')));
  await client.relay(first, hello);
  assert.equal(await said(listener), 'hello');
});

strict('UDP', 'J14 numbers that RFC 8656 reserves are dropped where only its own count', async (world) => {
  const { client, listener } = await bound(world);
  await client.send(channelData(0x5000, Buffer.from('no')));
  await client.relay(first, hello);
  assert.equal(await said(listener), 'hello');
});

over(everyPair, 'J17 two ports of one address have two channels', async (world) => {
  const { client, listener } = await bound(world);
  const second = await world.peer();
  granted(await client.bind(first + 1, second.at));
  await client.relay(first, Buffer.from('first'));
  await client.relay(first + 1, Buffer.from('second'));
  assert.equal(await said(listener), 'first');
  assert.equal(await said(second), 'second');
  await second.send(hello, client.relayed);
  assert.equal((await client.next()).readUInt16BE(0), first + 1);
});

over(everyPair, 'J18 a channel is of one allocation', async (world) => {
  const { client, listener } = await bound(world);
  const other = await world.client();
  await other.allocate();
  await other.relay(first, Buffer.from('other'));
  await other.fence();
  await client.relay(first, hello);
  assert.equal(await said(listener), 'hello');
  const second = await world.peer();
  granted(await other.bind(first, second.at));
  await other.relay(first, hello);
  assert.equal(await said(second), 'hello');
});

over(every, 'J19 a peer with port 0 gets 400 or 403', async (world) => {
  const client = await world.client();
  await client.allocate();
  const answer = await client.bind(first, at(0));
  assert.ok([400, 403].includes(answer.code), String(answer));
});

over(['UDP', 'TCP'], 'J07 over an IPv6 relay too', async (world) => {
  const client = await world.client();
  await client.allocate([udp, [attribute.requestedAddressFamily, Buffer.from([2, 0, 0, 0])]]);
  const listener = await world.peer(here.v6);
  granted(await client.bind(first, listener.at));
  await client.relay(first, hello);
  assert.deepEqual(await listener.receive(), { bytes: hello, from: client.relayed });
  await listener.send(hello, client.relayed);
  assert.deepEqual(await client.next(), channelData(first, hello));
});
