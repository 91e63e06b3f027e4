// Group G: Refresh (RFC 8656 §8).

import assert from 'node:assert/strict';
import { attribute, Message, method, uint8 } from './stun.mjs';
import { family, granted, lifetime, refused, udp } from './client.mjs';
import { here } from './places.mjs';
import { every, suite } from './suite.mjs';

const over = suite();
const v4 = 1, v6 = 2;
const both = [udp, [attribute.additionalAddressFamily, uint8(v6)]];

over(every, 'G01 a lifetime of 0 deletes, and the success says 0', async (world) => {
  const client = await world.client();
  await client.allocate();
  const answer = granted(await client.refresh([lifetime(0)]));
  assert.equal(answer.number(attribute.lifetime), 0);
  assert.ok(answer.signedBy(client.key));
  refused(await client.permit({ address: here.v4[0], port: 9 }), 437);
});

over(every, 'G02 a second deletion gets 437', async (world) => {
  const client = await world.client();
  await client.allocate();
  granted(await client.refresh([lifetime(0)]));
  refused(await client.refresh([lifetime(0)]), 437);
});

over(every, 'G03 the lifetime is 600 unless more is wished, and at most 3600', async (world) => {
  const client = await world.client();
  await client.allocate();
  for (const [wished, given] of [[1, 600], [600, 600], [1000, 1000], [99999, 3600]]) {
    assert.equal(granted(await client.refresh([lifetime(wished)])).number(attribute.lifetime), given, `wished ${wished}`);
  }
});

over(every, 'G04 a family that the allocation does not have gets 443', async (world) => {
  const client = await world.client();
  await client.allocate();
  refused(await client.refresh([family(v6)]), 443);
  granted(await client.refresh([family(v4)]));
});

over(['UDP', 'TCP'], 'G05 with a family, only that one is deleted', async (world) => {
  for (const [gone, stays] of [[v4, v6], [v6, v4]]) {
    const client = await world.client();
    await client.allocate(both);
    assert.equal(granted(await client.refresh([family(gone), lifetime(0)])).number(attribute.lifetime), 0);
    refused(await client.refresh([family(gone)]), 443);
    granted(await client.refresh([family(stays), lifetime(900)]));
    const addresses = [{ address: here.v4[0], port: 9 }, { address: here.v6, port: 9 }];
    granted(await client.permit(addresses[stays - 1]));
    refused(await client.permit(addresses[gone - 1]), 443);
  }
});

over(['UDP', 'TCP'], 'G05 without a family, both are deleted', async (world) => {
  const client = await world.client();
  await client.allocate(both);
  granted(await client.refresh([lifetime(0)]));
  refused(await client.refresh([family(v6)]), 437);
});

over(every, 'G06 without an allocation a Refresh gets 437, signed', async (world) => {
  const client = await world.client();
  for (const attributes of [[], [lifetime(0)], [lifetime(700)]]) {
    assert.ok(refused(await client.refresh(attributes), 437).signedBy(client.key));
  }
});

over(every, 'G07 the success says when it ends now', async (world) => {
  const client = await world.client();
  await client.allocate([udp, lifetime(3000)]);
  assert.equal(granted(await client.refresh()).number(attribute.lifetime), 600);
  assert.equal(granted(await client.refresh([lifetime(1200)])).number(attribute.lifetime), 1200);
});

over(every, 'G08 a stale nonce gets 438, and the allocation lives on', async (world) => {
  const client = await world.client();
  await client.allocate();
  const good = client.nonce;
  client.nonce = Buffer.from(`${good.toString().slice(0, -4)}AAAA`);
  client.remember(refused(await client.refresh([lifetime(0)]), 438));
  granted(await client.refresh());
});

over(['UDP', 'TCP', 'UDP6 to IPv6'], 'G09 with a deleted allocation go its channels and permissions', async (world) => {
  const { client, peer } = await world.pair();
  granted(await client.bind(0x4000, peer.at));
  granted(await client.refresh([lifetime(0)]));
  await client.allocate();
  await client.relay(0x4000, Buffer.from('channel'));
  await client.indicate(peer.at, Buffer.from('indication'));
  await client.fence();
  granted(await client.permit(peer.at));
  await client.indicate(peer.at, Buffer.from('after'));
  assert.equal(String((await peer.receive()).bytes), 'after');
});

over(every, 'G03 a LIFETIME of another size than four bytes gets 400', async (world) => {
  const client = await world.client();
  await client.allocate();
  refused(await client.refresh([[attribute.lifetime, Buffer.alloc(2)]]), 400);
  granted(await client.refresh());
});

over(every, 'G01 the port of a deleted allocation takes nothing any more', async (world) => {
  const { client, peer } = await world.pair();
  await peer.send(Buffer.from('before'), client.relayed);
  assert.equal(String((await client.next()).get(attribute.data)), 'before');
  granted(await client.refresh([lifetime(0)]));
  await peer.send(Buffer.from('after'), client.relayed);
  await client.fence();
  await client.silence(new Message(method.binding, 1));
});
