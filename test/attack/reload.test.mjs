// L: the configuration and the certificate change, for better or worse, while calls go on.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { method } from '../conformance/stun.mjs';
import { granted, refused, udp } from '../conformance/client.mjs';
import { scratch } from '../conformance/scratch.mjs';
import { selfSigned } from '../conformance/server.mjs';
import { suite } from '../conformance/suite.mjs';
import { many, until } from './attack.mjs';

const said = (server, event) => server.log.split(`event=server.${event}`).length - 1;
const openFiles = (server) => readdirSync(`/proc/${server.process.pid}/fd`).length;
const threads = (server) => readdirSync(`/proc/${server.process.pid}/task`).length;

/** SIGHUP, and then it has either taken what it found or said why not. */
async function reload(server, event) {
  const before = said(server, event);
  server.process.kill('SIGHUP');
  await until(() => said(server, event) > before, `server.${event}`);
}

/** What a client and its peer say to each other goes on. */
async function talks(client, listener) {
  await client.relay(0x4000, Buffer.from('there'));
  assert.equal(String((await listener.receive()).bytes), 'there');
  await listener.send(Buffer.from('back'), client.relayed);
  assert.equal(String((await client.next()).subarray(4)), 'back');
}

const config = join(scratch(), 'ahoy.toml');
const wholly = (turn) => `[turn]\nusers = { alice = "wonder"${turn.bob ? `, bob = "${turn.bob}"` : ''} }
[turn.peers]\nallow = ["127.0.0.0/8"]\ndeny = [${turn.deny ?? ''}]\n`;
const right = wholly({ bob: 'builder' });
writeFileSync(config, right);

const wrong = {
  'a key that is not': () => writeFileSync(config, '[turn]\nusres = {}\n'),
  'half a file': () => writeFileSync(config, right.slice(0, right.length / 2)),
  'no file': () => rmSync(config),
  'a folder': () => (rmSync(config), mkdirSync(config)),
  'bytes': () => writeFileSync(config, Buffer.from([0, 255, 1, 254])),
  'a block that is none': () => writeFileSync(config, wholly({ deny: '"10.0.0.0/33"' })),
};

function restore(text) {
  rmSync(config, { recursive: true, force: true });
  writeFileSync(config, text);
}

const filed = suite({ config, inFile: ['turn.users', 'turn.peers.allow', 'turn.peers.deny'] });

filed('UDP', 'L4 files right and wrong come and go, and calls go on', async (world, t) => {
  const { client, peer: listener } = await world.pair();
  granted(await client.bind(0x4000, listener.at));
  await reload(world.server, 'reloaded');
  const [files, tasks, memory] = [openFiles(world.server), threads(world.server), world.server.memory()];
  const cases = Object.entries(wrong);
  for (let i = 0; i < many(40, 1000); i++) {
    const [, spoil] = cases[i % cases.length];
    spoil();
    await reload(world.server, 'reload_failed');
    await talks(client, listener);
    restore(right);
    await reload(world.server, 'reloaded');
    await talks(client, listener);
  }
  t.diagnostic(`${world.server.memory() - memory} bytes more`);
  assert.equal(openFiles(world.server), files);
  assert.equal(threads(world.server), tasks);
  assert.ok(world.server.memory() - memory < 8 << 20);
});

filed('UDP', 'L4 who is denied now is cut off at once, and who is removed gets in no more', async (world) => {
  const { client, peer: listener } = await world.pair();
  granted(await client.bind(0x4000, listener.at));
  await talks(client, listener);
  restore(wholly({ deny: '"127.0.0.1/32"' }));
  await reload(world.server, 'reloaded');
  await client.relay(0x4000, Buffer.from('too late'));
  await listener.send(Buffer.from('too late'), client.relayed);
  await client.fence();
  await client.fence();
  assert.equal(client.unread, 0);
  refused(await client.bind(0x4000, listener.at), 403);
  const bob = await world.client({ user: 'bob', password: 'builder' });
  refused(await bob.request(method.allocate, [udp]), 401);
  restore(right);
  await reload(world.server, 'reloaded');
  granted(await client.bind(0x4000, listener.at));
  await talks(client, listener);
});

// ---- certificates

async function certificate(name, days = 2) {
  const files = { key: join(scratch(), `${name}.key`), certificate: join(scratch(), `${name}.pem`) };
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days',
    String(days), '-subj', `/CN=${name}.example.org`, '-keyout', files.key, '-out', files.certificate]);
  return { key: readFileSync(files.key), certificate: readFileSync(files.certificate) };
}

function handshake({ address, port }) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, rejectUnauthorized: false }, () => {
      resolve(new X509Certificate(socket.getPeerCertificate().raw).subject);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

const tls = suite();
tls(['TLS', 'DTLS'], 'L5 a new certificate is for new handshakes, a bad one for nobody', async (world) => {
  const { client, peer: listener } = await world.pair();
  granted(await client.bind(0x4000, listener.at));
  const files = await selfSigned();
  const [first, second] = [await certificate('first'), await certificate('second')];
  const write = (certificate, key) => {
    writeFileSync(files.certificate, certificate);
    writeFileSync(files.key, key);
  };
  // Somebody connects all the time.
  let over = false, shaken = 0;
  const others = (async () => {
    while (!over) {
      await handshake(world.server.at('TLS'));
      shaken += 1;
    }
  })();
  const bad = [
    () => write(first.certificate, second.key),
    () => write(Buffer.alloc(0), first.key),
    () => write(first.certificate, Buffer.alloc(0)),
    () => write(first.certificate.subarray(0, 200), first.key),
    () => write('not a certificate', first.key),
    () => rmSync(files.certificate, { force: true }),
  ];
  const names = { first, second };
  let name = 'first';
  for (let i = 0; i < many(30, 1000); i++) {
    if (i % 2 === 0) {
      name = i % 4 ? 'second' : 'first';
      write(names[name].certificate, names[name].key);
      await reload(world.server, 'reloaded');
    } else {
      bad[(i >> 1) % bad.length]();
      await reload(world.server, 'reload_failed');
    }
    assert.equal(await handshake(world.server.at('TLS')), `CN=${name}.example.org`);
    await talks(client, listener);
  }
  over = true;
  await others;
  assert.ok(shaken > 0);
});

