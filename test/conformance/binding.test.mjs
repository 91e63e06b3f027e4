// Group B: Binding (RFC 8489 §6, §7, §12).

import assert from 'node:assert/strict';
import { attribute, indication, Message, method, success, uint32 } from './stun.mjs';
import { granted, refused } from './client.mjs';
import { anywhere } from './places.mjs';
import { every, suite } from './suite.mjs';
import { transports } from './transport.mjs';

const over = suite();

over(transports, 'B01 a Binding tells the source as the server sees it', async (world) => {
  const client = await world.client();
  const answer = granted(await client.ask(new Message(method.binding)));
  assert.deepEqual(answer.address(attribute.xorMappedAddress), client.local);
});

over(every, 'B02 a Binding indication is not answered', async (world) => {
  const client = await world.client();
  await client.silence(new Message(method.binding, indication), new Message(method.binding, indication).fingerprint());
});

over(every, 'B03 Binding needs no authentication', async (world) => {
  const client = await world.client();
  granted(await client.ask(new Message(method.binding)));
});

over(every, 'B04 MAPPED-ADDRESS is for compatibility only and absent', async (world) => {
  const client = await world.client();
  assert.equal((await client.fence()).has(attribute.mappedAddress), false);
});

over(['TCP', 'TLS', 'DTLS', 'TCP6', 'TLS6', 'DTLS6'], 'B05 Bindings follow each other on one connection', async (world) => {
  const client = await world.client();
  for (let i = 0; i < 3; i++) await client.fence();
});

over(every, 'B06 TRANSACTION_TRANSMIT_COUNTER comes back, with a response count', async (world) => {
  const client = await world.client();
  const counter = Buffer.from([0, 0, 3, 0]);
  const answer = await client.ask(new Message(method.binding).add(attribute.transmitCounter, counter));
  const value = granted(answer).get(attribute.transmitCounter);
  assert.ok(value, String(answer));
  assert.equal(value.length, 4);
  assert.equal(value[2], 3, 'Req is copied');
  assert.ok(value[3] >= 1, 'Resp counts this answer');
});

over(every, 'B07 a Binding with credentials of ICE is answered and harms nothing', async (world) => {
  const client = await world.client();
  const answer = await client.ask(new Message(method.binding)
    .add(attribute.username, Buffer.from('abcd:efgh'))
    .add(0x0024, uint32(0x6e7f1eff))
    .add(0x802a, Buffer.alloc(8, 7))
    .integrity(Buffer.from('a password of ICE'))
    .fingerprint());
  assert.ok(answer.class === success || [400, 401, 420].includes(answer.code), String(answer));
  await client.fence();
});

const dual = suite({ listen: anywhere });

dual('UDP', 'B08 beside a listener for all of IPv6, an IPv4 client is IPv4', async (world) => {
  const client = await world.client();
  const answer = await client.ask(new Message(method.binding));
  assert.deepEqual(granted(answer).address(attribute.xorMappedAddress), client.local);
});

const secured = suite({ secureStun: true });
secured(every, 'B03 with authentication of Binding switched on, it is challenged', async (world) => {
  const client = await world.client();
  refused(await client.ask(new Message(method.binding)), 401);
});

secured(every, 'B03 with authentication of Binding switched on, who has a credential is answered', async (world) => {
  const client = await world.client();
  const answer = granted(await client.request(method.binding));
  assert.ok(answer.signedBy(client.key));
  assert.deepEqual(answer.address(attribute.xorMappedAddress), client.local);
});
