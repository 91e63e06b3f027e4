// What the tests of this folder have in common: a server on loopback with every transport, and programs
// that are run against it. The programs are given where it is by their environment.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { certify, shows } from '../authority.mjs';
import { Server } from '../e2e/server.mjs';

const patience = 120_000; // for a machine that is busy with something else
export const user = 'alice';
export const password = 'wonder';
export const secret = 'north-by-north-west-and-a-little-more';
/** How many messages a pair of clients sends each way. */
export const count = 100;

/** For the option `skip` of a test: false if that program ends well, else what is not installed. */
export const unless = (packages, program, ...args) =>
  spawnSync(program, args, { stdio: 'ignore' }).status === 0 ? false : `not installed: ${packages}`;

/** The result's members are there when `prepare` is called, which is before all tests. */
export function loopback(prepare = () => {}) {
  const here = {};
  before(async () => {
    here.folder = await mkdtemp(join(tmpdir(), 'ahoy-clients-'));
    here.authority = await certify(here.folder, 'IP:127.0.0.1,IP:::1');
    here.server = await Server.start({
      settings: [
        ...shows(here.authority),
        'turn.listen=["127.0.0.1:0", "[::1]:0"]',
        'turn.tls_listen=["127.0.0.1:0"]',
        'turn.relay_addresses=["127.0.0.1", "::1"]',
        'turn.peers.allow=["127.0.0.0/8", "::1/128"]',
        `turn.users={ ${user} = "${password}" }`,
        `turn.secret="${secret}"`,
        'turn.tcp_relay=true',
      ],
    });
    here.port = here.server.turnPort;
    here.tlsPort = Number(/\bturns=127\.0\.0\.1:(\d+)/.exec(here.server.log)[1]);
    here.port6 = Number(/\bturn=\S*\[::1\]:(\d+)/.exec(here.server.log)[1]);
    await prepare();
  });
  after(async () => {
    await here.server?.stop();
    await rm(here.folder, { recursive: true });
  });
  return here;
}

export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: patience, ...options }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: `${stdout}${stderr}`, stdout }));
  });
}

/** A program that makes a pair of clients, and prints one object about them. */
export async function pair(here, transport, program, ...args) {
  const secure = transport === 'tls' || transport === 'dtls';
  const { failed, output, stdout } = await run(program, args, {
    env: {
      ...process.env,
      TURN_TRANSPORT: transport,
      TURN_HOST: '127.0.0.1',
      TURN_PORT: String(secure ? here.tlsPort : here.port),
      TURN_USER: user,
      TURN_PASSWORD: password,
      TURN_MESSAGES: String(count),
      SSL_CERT_FILE: here.authority.authority,
    },
  });
  assert.equal(failed, false, output);
  return JSON.parse(stdout);
}
