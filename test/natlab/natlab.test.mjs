// Two people, each in one of five kinds of network: they always find each other, and by which path is
// what ICE (RFC 8445) and the NATs leave.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { setInterval as ticks } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { certify, shows, trust } from '../authority.mjs';
import { browserIn } from './browser.mjs';
import { takesCalls } from './calls.mjs';
import { kinds, Lab, network, server } from './lab.mjs';

const ahoy = process.env.AHOY_BIN ?? fileURLToPath(new URL('../../build/release/ahoy', import.meta.url));
const agentProgram = fileURLToPath(new URL('agent.mjs', import.meta.url));
const aioicePair = fileURLToPath(new URL('../clients/aioice_pair.py', import.meta.url));
const skip = spawnSync('unshare', ['--net', 'true']).status === 0 ? false : 'network namespaces take root';
const patience = 30_000;
const timeout = 2 * patience;

const user = { username: 'alice', credential: 'wonder' };
const iceServers = [{
  urls: [`turn:${server}:3478?transport=udp`, `turn:${server}:3478?transport=tcp`, `turn:${server}:443?transport=tcp`,
    `turns:${server}:443?transport=tcp`],
  ...user,
}];

// The path between two kinds, as the two ends of it in that order: from an end's own address, from that
// which its NAT gives it, or from the server's. Where only one end is relayed, its peer sends to the relayed
// address straight.
const direct = 'direct over UDP';
const directTcp = 'direct over TCP';
const reflexive = 'reflexive over UDP';
const reflexiveTcp = 'reflexive over TCP';
const relayUdp = 'relayed over UDP';
const relayTcp = 'relayed over TCP';
const relayTls = 'relayed over TLS';
const expectations = [
  ['no NAT', 'no NAT', [direct, direct]],
  ['no NAT', 'port-preserving NAT', [direct, reflexive]],
  ['no NAT', 'symmetric NAT', [direct, reflexive]],
  ['no NAT', 'no UDP', [directTcp, reflexiveTcp]],
  ['no NAT', 'only TCP 443', [direct, relayTls]],
  ['port-preserving NAT', 'port-preserving NAT', [reflexive, reflexive]],
  ['port-preserving NAT', 'symmetric NAT', [reflexive, relayUdp], [relayUdp, reflexive]],
  ['port-preserving NAT', 'no UDP', [reflexive, relayTcp]],
  ['port-preserving NAT', 'only TCP 443', [reflexive, relayTls]],
  ['symmetric NAT', 'symmetric NAT', [reflexive, relayUdp], [relayUdp, reflexive]],
  ['symmetric NAT', 'no UDP', [reflexive, relayTcp]],
  ['symmetric NAT', 'only TCP 443', [reflexive, relayTls]],
  ['no UDP', 'no UDP', [relayTcp, relayTcp]],
  ['no UDP', 'only TCP 443', [relayTcp, relayTls]],
  ['only TCP 443', 'only TCP 443', [relayTls, relayTls]],
];

function expected(one, other) {
  for (const [first, second, ...paths] of expectations) {
    if (first === one && second === other) return paths;
    if (first === other && second === one) return paths.map((path) => [...path].reverse());
  }
  throw new Error(`nothing is expected of ${one} and ${other}`);
}

function inWords({ type, protocol, relayProtocol }) {
  if (type === 'relay') return `relayed over ${relayProtocol.toUpperCase()}`;
  if (!type) return 'nowhere';
  return `${type === 'host' ? 'direct' : 'reflexive'} over ${protocol.toUpperCase()}`; // srflx or prflx
}

const among = (wanted, ends) => wanted.some((each) => each.join() === ends.join());

/** One of the two ends of calls: libwebrtc in a network of its own, with or without a browser around it. */
class Agent {
  #write;
  #asked = new Map();
  #last = 0;
  peers = new Map(); // by call

  static process(lab, place, kind) {
    const agent = new Agent();
    const child = lab.spawn(place, process.execPath, [agentProgram], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: child.stdout }).on('line', (line) => agent.#hear(JSON.parse(line)));
    child.once('exit', () => {
      for (const { reject } of agent.#asked.values()) reject(new Error(`the agent behind ${kind} has ended`));
    });
    agent.#write = (line) => child.stdin.write(`${line}\n`);
    return agent;
  }

  static async page(browser) {
    const agent = new Agent();
    const page = await browser.newPage();
    await page.exposeFunction('write', (line) => agent.#hear(JSON.parse(line)));
    await page.evaluate(`globalThis.take = (${takesCalls})(globalThis.write)`);
    agent.#write = (line) => page.evaluate((text) => globalThis.take(text), line).catch(() => {});
    return agent;
  }

  ask(verb, call, rest = {}) {
    const id = (this.#last += 1);
    const answer = new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
    this.#write(JSON.stringify({ id, verb, call, ...rest }));
    return answer;
  }

  #hear({ id, answer, error, call, peer }) {
    if (peer) {
      this.peers.get(call)?.ask('hear', call, { peer }).catch(() => {});
      return;
    }
    const { resolve, reject } = this.#asked.get(id);
    this.#asked.delete(id);
    if (error) reject(new Error(error));
    else resolve(answer);
  }
}

/** Ahoy in the public network. Port 443 takes TURN with TLS and without. */
async function startServer(lab, authority) {
  const settings = [
    `http.listen=["${server}:8080"]`,
    `turn.listen=["${server}:3478", "${server}:443"]`,
    `turn.relay_addresses=["${server}"]`,
    `turn.peers.allow=["${network}"]`,
    `turn.users={ ${user.username} = "${user.credential}" }`,
    ...shows(authority),
  ];
  const child = lab.spawn(lab.public, ahoy, ['serve', ...settings.flatMap((each) => ['--set', each])],
    { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit').then(([status]) => status);
  let log = '';
  await new Promise((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (more) => {
      log += more;
      if (/event=server\.ready/.test(log)) resolve();
    });
    ended.then(() => reject(new Error(`the server has ended:\n${log}`)));
  });
  return {
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

describe('in the lab', { skip }, () => {
  let folder;
  let authority;
  let lab;
  let program;
  const browsers = [];
  const here = {};
  const there = {};

  // libwebrtc alone believes no authority of ours: over TLS it takes a browser, which can be told to.
  async function agentBehind(kind) {
    const place = await lab.site(kind);
    if (kind !== 'only TCP 443') return Agent.process(lab, place, kind);
    const browser = await browserIn(place, folder, { env: { ...process.env, HOME: folder } });
    browsers.push(browser);
    return Agent.page(browser);
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ahoy-natlab-'));
    authority = await certify(folder, `IP:${server}`);
    lab = await Lab.make();
    program = await startServer(lab, authority);
    const database = join(folder, '.pki/nssdb'); // where Chromium looks for authorities
    await mkdir(database, { recursive: true });
    await trust(authority, database);
    // Browsers first, which take their time.
    await Promise.all(Object.keys(kinds).toReversed().map(async (kind) => {
      [here[kind], there[kind]] = await Promise.all([agentBehind(kind), agentBehind(kind)]);
    }));
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    const status = await program?.stop();
    lab?.close();
    await rm(folder, { recursive: true });
    assert.equal(status, 0, 'the server ends well');
  });

  /**
   * The two ends of the path once it is one of `wanted`, or as it is when patience is over. Messages flow
   * meanwhile: the end that does not nominate follows the other to a better pair when they come by that.
   */
  async function path(call, agents, wanted) {
    const deadline = Date.now() + patience;
    for await (const _ of ticks(100)) {
      await agents[0].ask('exchange', call, { count: 20, size: 1000 });
      const ends = (await Promise.all(agents.map((agent) => agent.ask('end', call)))).map(inWords);
      if (among(wanted, ends) || Date.now() > deadline) return ends;
    }
  }

  describe('two people', { concurrency: 5 }, () => {
    let calls = 0;
    for (const one of Object.keys(kinds)) {
      for (const other of Object.keys(kinds)) {
        const wanted = expected(one, other);
        test(`from ${one} to ${other}: ${wanted.map((ends) => ends.join(', ')).join('; or ')}`, { timeout }, async () => {
          const call = (calls += 1);
          const agents = [here[one], there[other]];
          agents.forEach((agent, i) => agent.peers.set(call, agents[1 - i]));
          await Promise.all(agents.map((agent) => agent.ask('prepare', call, { iceServers })));
          await agents[0].ask('begin', call);
          const ends = await path(call, agents, wanted);
          assert.ok(among(wanted, ends), `it is ${ends.join(', ')}`);
          await Promise.all(agents.map((agent) => agent.ask('close', call)));
        });
      }
    }
  });

  test('the server counts allocations over TLS, one at least for each end with nothing but TCP 443', async () => {
    const metrics = lab.public.run('curl', ['--silent', '--fail', `http://${server}:8080/metrics`]);
    const made = (transport) => [...metrics.matchAll(/^ahoy_turn_allocations_total\{transport="(\w+)",.*\} (\d+)$/gm)]
      .reduce((sum, [, name, count]) => sum + (name === transport ? Number(count) : 0), 0);
    const ends = 2 * Object.keys(kinds).length;
    assert.ok(made('tls') >= ends, `${made('tls')} over TLS, for ${ends} ends`);
    assert.ok(made('tcp') > 0 && made('udp') > 0, metrics);
  });

  test('aioice, another agent, is relayed over TLS too where only TCP 443 is open', { timeout }, async () => {
    const child = lab.spawn(await lab.site('only TCP 443'), '/usr/bin/python3', [aioicePair], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        TURN_TRANSPORT: 'tls',
        TURN_HOST: server,
        TURN_PORT: '443',
        TURN_USER: user.username,
        TURN_PASSWORD: user.credential,
        TURN_MESSAGES: '100',
        SSL_CERT_FILE: authority.authority,
      },
    });
    assert.deepEqual(JSON.parse(await text(child.stdout)), { returned: 100, candidates: ['relay'] });
  });

  // Or nobody there would have to be relayed over TLS.
  test('STUN without TLS does not get through there, and does from elsewhere', { timeout }, async () => {
    const binding = '000100002112a442000000000000000000000001';
    const ask = `const socket = require('node:net').connect(443, '${server}', () => socket.write(Buffer.from('${binding}', 'hex')))
      .once('data', () => (console.log('an answer'), socket.end()))
      .once('error', ({ code }) => console.log(code))`;
    const outcome = async (kind) => (await lab.site(kind)).run(process.execPath, ['-e', ask]).trim();
    assert.equal(await outcome('only TCP 443'), 'ECONNRESET');
    assert.equal(await outcome('no UDP'), 'an answer');
  });
});
