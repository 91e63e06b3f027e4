// Group A: what is a STUN message, and what is none (RFC 8489 §5, §6.3, §14).

import assert from 'node:assert/strict';
import {
  addressBytes, attribute, crc32, error, indication, md5Key, Message, method, Received, request, success, uint32, uint8,
} from './stun.mjs';
import { data, granted, peer, refused, udp } from './client.mjs';
import { allOfTheServers, anywhere, here } from './places.mjs';
import { every, suite } from './suite.mjs';

const over = suite();
const datagrams = ['UDP', 'DTLS', 'UDP6'];

const binding = () => new Message(method.binding);
/** A Binding whose bytes a function changes. */
function bent(change) {
  const bytes = binding().bytes();
  return change(bytes) ?? bytes;
}
const at = (offset, ...values) => (bytes) => void values.forEach((value, i) => (bytes[offset + i] = value));

/** A stream may also be closed for it: what follows can hardly be trusted. */
async function dropped(world, bytes) {
  const client = await world.client();
  await client.silence(bytes).catch((problem) => {
    if (!world.transport.startsWith('T') || !/closed the connection/.test(problem.message)) throw problem;
  });
}

over(datagrams, 'A01 what begins with other bits than 00 is dropped', async (world) => {
  const client = await world.client();
  await client.silence(bent(at(0, 0x80)), bent(at(0, 0xc0)), Buffer.from('GET / HTTP/1.1\r\n\r\n'));
});

over(['UDP', 'TCP', 'TLS', 'DTLS', 'UDP6'], 'A02 another magic cookie is dropped', async (world) => {
  await dropped(world, bent(at(4, 0x21, 0x12, 0xa4, 0x43)));
});

over(datagrams, 'A03 a length that is no multiple of four is dropped', async (world) => {
  const client = await world.client();
  for (const odd of [1, 2, 3]) await client.send(Buffer.concat([bent(at(3, odd)), Buffer.alloc(odd)]));
  await client.silence(bent(at(3, 1)));
});

over(datagrams, 'A04 a length beyond or before the end of the datagram is dropped', async (world) => {
  const client = await world.client();
  await client.silence(bent(at(2, 0, 4)), bent(at(2, 0xff, 0xfc)), Buffer.concat([binding().bytes(), Buffer.alloc(4)]),
    binding().bytes().subarray(0, 19), binding().bytes().subarray(0, 1));
});

over(every, 'A05 an attribute that runs over the end is answered 400, or not at all', async (world) => {
  const client = await world.client();
  const bad = new Message(method.allocate).all([udp]).add(attribute.username, Buffer.alloc(4), { length: 5 });
  const worse = new Message(method.allocate).all([udp]).add(attribute.username, Buffer.alloc(4), { length: 0xffff });
  for (const message of [bad, worse]) await client.send(message);
  if (world.transport.startsWith('T')) return; // what a stream does then is its own affair
  await client.fence();
  while (client.unread) refused(await client.next(), 400);
});

over(every, 'A06 a Binding of the header alone succeeds', async (world) => {
  const client = await world.client();
  granted(await client.ask(binding()));
});

over(every, 'A07 a request of an unknown method is not answered', async (world) => {
  const client = await world.client();
  await client.silence(new Message(0x002), new Message(0x005), new Message(0xfff), new Message(0x00d).all([udp]));
});

over(every, 'A08 a class that its method does not have is not answered', async (world) => {
  const client = await world.client();
  await client.silence(new Message(method.send), new Message(method.data), new Message(method.allocate, indication).all([udp]),
    new Message(method.refresh, indication), new Message(method.createPermission, indication),
    new Message(method.channelBind, indication));
});

over(every, 'A09 padding may be anything when it comes and is zero when it goes', async (world) => {
  const client = await world.client();
  granted(await client.ask(binding().add(attribute.software, Buffer.from('x'), { padding: 0xff })));
  const answers = [await client.challenge()];
  const message = new Message(method.allocate).all([udp]).add(attribute.software, Buffer.from('padded'), { padding: 0xaa })
    .add(attribute.username, Buffer.from(client.user), { padding: 0x55 }).add(attribute.realm, Buffer.from(client.realm))
    .add(attribute.nonce, client.nonce).integrity(client.key);
  answers.push(granted(await client.ask(message)));
  client.relayed = answers[1].address(attribute.xorRelayedAddress);
  answers.push(refused(await client.request(method.refresh, [[0x7f01, Buffer.alloc(1)]]), 420));
  for (const answer of answers) {
    for (const { padding } of answer.attributes) assert.ok(padding.every((byte) => byte === 0), String(answer));
  }
});

over(every, 'A10 a wrong FINGERPRINT is not answered', async (world) => {
  const client = await world.client();
  const wrong = binding().fingerprint().bytes();
  wrong[wrong.length - 1] ^= 1;
  await client.silence(wrong);
});

over(every, 'A11 FINGERPRINT is the CRC-32 of what precedes it, xor 0x5354554e, and last', async (world) => {
  assert.equal(crc32(Buffer.from('123456789')), 0xcbf43926);
  const client = await world.client();
  const answer = granted(await client.ask(binding().fingerprint())); // Received verifies it
  assert.ok(answer.has(attribute.fingerprint));
  if (world.transport.startsWith('T')) return;
  await client.silence(binding().fingerprint().add(attribute.software, Buffer.from('late')));
});

over(every, 'A12 a request with FINGERPRINT gets an answer with it', async (world) => {
  const client = await world.client();
  assert.ok((await client.ask(binding().fingerprint())).has(attribute.fingerprint));
  assert.ok(refused(await client.ask(new Message(method.allocate).all([udp]).fingerprint()), 401).has(attribute.fingerprint));
  await client.challenge();
  const answer = granted(await client.ask(client.signed(method.allocate, [udp]).fingerprint()));
  assert.ok(answer.has(attribute.fingerprint));
  client.relayed = answer.address(attribute.xorRelayedAddress);
});

over(every, 'A13 what follows MESSAGE-INTEGRITY does not count', async (world) => {
  const client = await world.client();
  await client.allocate();
  const late = client.signed(method.createPermission).peer({ address: here.v4[0], port: 9 });
  refused(await client.ask(late), 400, 'a peer after MESSAGE-INTEGRITY is none:');
  const unknown = client.signed(method.refresh).add(0x7f01, Buffer.alloc(4));
  granted(await client.ask(unknown), 'an unknown attribute after MESSAGE-INTEGRITY is not looked at:');
});

over(every, 'A14 what follows MESSAGE-INTEGRITY-SHA256 does not count', async (world) => {
  const client = await world.client();
  await client.allocate();
  const late = client.named(method.createPermission).integritySha256(client.key).peer({ address: here.v4[0], port: 9 });
  refused(await client.ask(late), 400, 'a peer after MESSAGE-INTEGRITY-SHA256 is none:');
});

over(every, 'A15 of attributes of one type the first counts', async (world) => {
  const client = await world.client();
  await client.allocate();
  const twice = [[attribute.lifetime, uint32(700)], [attribute.lifetime, uint32(900)]];
  assert.equal(granted(await client.refresh(twice)).number(attribute.lifetime), 700);
});

over(every, 'A16 unknown attributes that must be understood are 420, each listed, after authentication', async (world) => {
  const client = await world.client();
  refused(await client.ask(new Message(method.allocate).all([udp, [0x7f01, Buffer.alloc(4)]])), 401);
  const answer = refused(await client.request(method.allocate, [udp, [0x7f01, Buffer.alloc(4)], [0x7f03]]), 420);
  assert.deepEqual(answer.get(attribute.unknownAttributes), Buffer.from([0x7f, 0x01, 0x7f, 0x03]));
  const unsigned = refused(await client.ask(binding().add(0x7f05)), 420, 'Binding needs no authentication:');
  assert.deepEqual(unsigned.get(attribute.unknownAttributes), Buffer.from([0x7f, 0x05]));
});

over(every, 'A17 an indication with such an attribute is discarded', async (world) => {
  const { client, peer: listener } = await world.pair();
  await client.indicate(listener.at, Buffer.from('unknown'), [[0x7f01, Buffer.alloc(4)]]);
  await client.indicate(listener.at, Buffer.from('known'));
  assert.equal(String((await listener.receive()).bytes), 'known');
});

over(every, 'A18 unknown attributes that need not be understood are ignored', async (world) => {
  const client = await world.client();
  granted(await client.ask(binding().add(0xff01, Buffer.alloc(7))));
  await client.allocate([udp, [0xff01, Buffer.alloc(7)]]);
});

over(every, 'A19 UNKNOWN-ATTRIBUTES is padded with zeros, and not by repeating', async (world) => {
  const client = await world.client();
  const answer = refused(await client.request(method.allocate, [udp, [0x7f01]]), 420);
  const { value, padding } = answer.attributes.find(({ type }) => type === attribute.unknownAttributes);
  assert.deepEqual([...value, ...padding], [0x7f, 0x01, 0, 0]);
});

const wild = suite({ listen: anywhere });
for (const address of allOfTheServers) {
  wild(['UDP', 'DTLS'], `A20 answers leave from the address that was asked, ${address}`, async (world) => {
    const { port } = world.server.at(world.transport);
    const client = await world.client({ at: { address, port } }); // its socket takes nothing else
    await client.fence();
    await client.allocate();
    await client.fence();
  });
}

over(every, 'A21 the transaction id is copied, and the type is that of the method and class', async (world) => {
  const client = await world.client();
  const typeOf = (answer) => answer.bytes.readUInt16BE(0);
  assert.equal(typeOf(await client.fence()), 0x0101);
  assert.equal(typeOf(await client.challenge()), 0x0113);
  assert.equal(typeOf(await client.allocate()), 0x0103);
  assert.equal(typeOf(await client.permit({ address: here.v4[0], port: 9 })), 0x0108);
  assert.equal(typeOf(await client.bind(0x4000, { address: here.v4[0], port: 9 })), 0x0109);
  assert.equal(typeOf(await client.refresh()), 0x0104);
  assert.equal(typeOf(await client.request(method.channelBind)), 0x0119);
});

over(every, 'A22 a retransmitted request has the same answer and no further effect', async (world) => {
  const client = await world.client();
  await client.challenge();
  const allocate = client.signed(method.allocate, [udp]);
  const answers = [await client.ask(allocate), await client.ask(allocate)];
  for (const answer of answers) granted(answer);
  const [first, second] = answers.map((answer) => answer.address(attribute.xorRelayedAddress));
  assert.deepEqual(second, first);
  client.relayed = first;
});

over(every, 'A23 ERROR-CODE is 21 zero bits, a class of 3 to 6, a number below 100 and a short reason', async (world) => {
  const client = await world.client();
  const answers = [await client.ask(new Message(method.allocate).all([udp])), await client.ask(binding().add(0x7f05))];
  client.remember(answers[0]);
  answers.push(await client.refresh(), await client.request(method.allocate));
  for (const answer of answers) {
    const value = answer.get(attribute.errorCode);
    assert.equal(value.readUInt16BE(0), 0);
    assert.ok(value[2] >= 3 && value[2] <= 6, String(answer));
    assert.ok(value[3] < 100, String(answer));
    const reason = new TextDecoder('utf-8', { fatal: true }).decode(value.subarray(4));
    assert.ok([...reason].length < 128);
  }
});

over(every, 'A24 SOFTWARE, REALM and NONCE of up to 763 bytes are taken, and longer ones do no harm', async (world) => {
  const client = await world.client();
  granted(await client.ask(binding().add(attribute.software, Buffer.alloc(763, 'é'))));
  const long = (size) => new Message(method.allocate).all([udp, [attribute.username, Buffer.from('alice')],
    [attribute.realm, Buffer.alloc(size, 'r')], [attribute.nonce, Buffer.alloc(size, 'n')]]).integrity(Buffer.alloc(16));
  const answer = await client.ask(long(763));
  assert.ok([400, 401, 438].includes(answer.code), String(answer));
  await client.send(long(764));
  await client.send(long(4000));
  await client.fence();
  while (client.unread) assert.ok([400, 401, 438].includes((await client.next()).code));
});

over(every, 'A25 a USERNAME of more than 513 bytes is 400, one of up to that only unknown', async (world) => {
  const client = await world.client();
  await client.challenge();
  const named = (size) => new Message(method.allocate).all([udp, [attribute.username, Buffer.alloc(size, 'u')],
    [attribute.realm, Buffer.from(client.realm)], [attribute.nonce, client.nonce]]).integrity(client.key);
  refused(await client.ask(named(508)), 401);
  refused(await client.ask(named(514)), 400);
});

over(every, 'A28 answers and Data indications that nobody asked for are dropped', async (world) => {
  const client = await world.client();
  for (const kind of [success, error]) {
    for (const name of ['binding', 'allocate', 'refresh']) await client.send(new Message(method[name], kind));
  }
  await client.silence(new Message(method.binding, success).address(attribute.xorMappedAddress, client.local));
});

over(every, 'A29 a message of very many attributes does no harm', async (world) => {
  const client = await world.client();
  const many = (count) => Array.from({ length: count }, (_, i) => [0xc000 + i, Buffer.alloc(4)]);
  await client.send(binding().all(many(65)));
  await client.send(binding().all(many(1000)));
  if (world.transport.startsWith('T')) {
    await client.send(binding().all(many(8000)));
    await (await world.client()).fence();
  } else {
    await client.fence();
  }
});

over('UDP', 'A31 the codec of these tests writes and reads RFC 5769 §2.1, §2.2 and §2.4', async () => {
  const hex = (text) => Buffer.from(text.replace(/\s+/g, ''), 'hex');
  const key = Buffer.from('VOkJxbRl1RmTxUk/WvJxBt');
  const sample = hex(`000100582112a442b7e7a701bc34d686fa87dfae802200105354554e2074657374 20636c69656e7400240004
    6e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020 00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
    80280004 e57a3bcf`);
  const built = new Message(method.binding, request, sample.subarray(8, 20))
    .add(attribute.software, Buffer.from('STUN test client')).add(0x0024, uint32(0x6e0001ff))
    .add(0x8029, hex('932ff9b151263b36')).add(attribute.username, Buffer.from('evtj:h6vY'), { padding: 0x20 })
    .integrity(key).fingerprint().bytes();
  assert.deepEqual(built, sample);
  const answer = new Received(hex(`0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220
    002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96`));
  assert.deepEqual(answer.address(attribute.xorMappedAddress), { address: '192.0.2.1', port: 32853 });
  assert.ok(answer.signedBy(key));
  const long = new Message(method.binding, request, hex('78ad3433c6ad72c029da412e'))
    .add(attribute.username, Buffer.from('マトリックス'), { padding: 0 })
    .add(attribute.nonce, Buffer.from('f//499k954d6OL34oL9FSTvy64sA')).add(attribute.realm, Buffer.from('example.org'))
    .integrity(md5Key('マトリックス', 'example.org', 'TheMatrIX')).bytes();
  assert.deepEqual(long.subarray(-20), hex('f67024656dd64a3e02b8e0712e85c9a28ca89666'));
});

over(['UDP', 'UDP6', 'TCP6', 'TLS6', 'DTLS6'], 'A32 XOR addresses are xored with the cookie, and IPv6 ones with the transaction id', async (world) => {
  const client = await world.client();
  const answer = await client.fence();
  const value = answer.get(attribute.xorMappedAddress);
  const v6 = world.transport.endsWith('6');
  assert.equal(value.length, v6 ? 20 : 8);
  assert.equal(value.readUInt16BE(2) ^ 0x2112, client.local.port);
  const mask = answer.bytes.subarray(4, 20);
  assert.deepEqual(value.subarray(4), addressBytes(client.local).subarray(4).map((byte, i) => byte ^ mask[i]));
});

over(['UDP', 'UDP6', 'DTLS'], 'A33 no answer is larger than what any path carries', async (world) => {
  const limit = world.transport === 'UDP6' ? 1280 - 48 : 576 - 28;
  const client = await world.client();
  const unknown = Array.from({ length: 60 }, (_, i) => [0x7f00 + i, Buffer.alloc(0)]);
  const answers = [await client.fence(), await client.challenge(), await client.ask(binding().all(unknown)),
    await client.allocate()];
  for (const answer of answers) assert.ok(answer.bytes.length <= limit, `${answer.bytes.length}: ${answer}`);
});

over(['UDP', 'UDP6'], 'A34 no stranger\'s request is answered with more than three times its size', async (world) => {
  const client = await world.client();
  const wrong = (name) => new Message(method[name]).all([udp, [attribute.username, Buffer.from('m')],
    [attribute.realm, Buffer.from('a')], [attribute.nonce, Buffer.from('n')]]).integrity(Buffer.alloc(16));
  const unknown = Array.from({ length: 30 }, (_, i) => [0x7f00 + i]);
  const requests = [binding(), binding().fingerprint(), binding().add(0x7f01), binding().all(unknown),
    new Message(method.allocate).all([udp]), new Message(method.refresh).all([udp]), wrong('allocate'), wrong('refresh'),
    new Message(method.channelBind).all([[attribute.channelNumber, uint8(0x40)], peer(client.local)]),
    new Message(method.allocate).all([udp]).integrity(Buffer.alloc(16)), new Message(method.allocate).all([data(Buffer.alloc(9))])];
  for (const message of requests) {
    const answer = await client.ask(message);
    const size = message.bytes().length;
    assert.ok(answer.bytes.length <= 3 * size, `${size} bytes got ${answer.bytes.length}: ${answer}`);
  }
});
