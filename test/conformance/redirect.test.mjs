// Group E: ALTERNATE-SERVER (RFC 8489 §10, §14.15), and its form on the wire.

import assert from 'node:assert/strict';
import { attribute, Message, method, readAddress } from './stun.mjs';
import { refused, udp } from './client.mjs';
import { every, suite } from './suite.mjs';

const over = suite({ alternate: '192.0.2.9:3999' });
const some = every.filter((transport) => transport !== 'UDP6');

/** The answer that sends elsewhere, which some servers give before they ask who it is. */
async function redirected(client) {
  const answer = await client.ask(new Message(method.allocate).all([udp]));
  return refused(answer.code === 300 ? answer : await client.request(method.allocate, [udp]), 300);
}

over(every, 'E01 a redirection comes only after authentication', async (world) => {
  const client = await world.client();
  refused(await client.ask(new Message(method.allocate).all([udp])), 401);
});

over(some, 'E01 a redirection is signed', async (world) => {
  const client = await world.client();
  const answer = refused(await client.request(method.allocate, [udp]), 300);
  assert.ok(answer.signedBy(client.key));
});

over(some, 'E02 the other server has an address of the client\'s family', async (world) => {
  const value = (await redirected(await world.client())).get(attribute.alternateServer);
  assert.equal(value[1], 1);
});

over('UDP6', 'E02 without a server of its family a client is served here', async (world) => {
  await (await world.client()).allocate();
});

over(['TLS', 'DTLS'], 'E03 over TLS the name in the other certificate is told', async (world) => {
  assert.equal((await redirected(await world.client())).text(attribute.alternateDomain), 'turn2.example.org');
});

over(some, 'A26 ALTERNATE-SERVER is 0x8023, and not xored', async (world) => {
  const value = (await redirected(await world.client())).get(0x8023);
  assert.deepEqual(readAddress(value), { address: '192.0.2.9', port: 3999 });
});
