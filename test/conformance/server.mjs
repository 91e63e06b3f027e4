// The server under test, on loopback and free ports: Ahoy (AHOY_BIN) or coturn (CONFORMANCE_SERVER),
// from one description of what a test wants of it. What the server cannot be told is a reason to skip.

import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setInterval as ticks } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { scratch } from './scratch.mjs';
import { apart, here, networks, reached, theServers } from './places.mjs';
import { isSix } from './transport.mjs';

export const which = process.env.CONFORMANCE_SERVER ?? 'ahoy';
const ahoy = process.env.AHOY_BIN ?? fileURLToPath(new URL('../../build/release/ahoy', import.meta.url));
const startMs = 20_000;

export const realm = 'ahoy';
export const secret = '0123456789abcdef0123456789abcdef';
export const users = { alice: 'wonder', bob: 'builder' };

/** Under this key an authorization server seals its tokens, for a server of this name (RFC 7635). */
export const tokens = { kid: 'north', serverName: 'turn.example.org', key: Buffer.alloc(32, 'key') };

/** The server has no such feature or setting: the test is skipped with these words. */
export class NotSupported extends Error {}

const defaults = {
  users, realm, rest: false,
  listen: theServers,
  relay: Object.values(theServers),
  allow: networks,
  deny: [],
  ports: [49152, 65535],
  userQuota: 0, bandwidth: 0, addressConnections: 0,
  tcpRelay: false, mobility: false, discovery: false, secureStun: false, oauth: false, alternate: undefined,
  classic: false, proxy: false, strictChannels: false, drain: false, files: 0, secrets: [secret], threads: 2,
  // Of Ahoy alone: a file, which says what it has instead of the command line; and further settings.
  config: undefined, inFile: [], settings: [],
};

let certificate;
export function selfSigned() {
  const files = { certificate: join(scratch(), 'cert.pem'), key: join(scratch(), 'key.pem') };
  certificate ??= promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj',
    '/CN=turn.example.org', '-keyout', files.key, '-out', files.certificate]).then(() => files);
  return certificate;
}

/**
 * A port that is free for UDP and TCP on every address given. Apart these are of this side, where it
 * stays taken, so that no other server of the same namespace gets it.
 */
async function freePort(addresses) {
  for (;;) {
    const probe = createServer().listen(0, addresses[0]);
    await once(probe, 'listening');
    const { port } = probe.address();
    const sockets = addresses.map((address) => 
      createSocket(address.includes(':') ? { type: 'udp6', ipv6Only: true } : 'udp4'));
    const free = await Promise.all(sockets.map((socket, i) => new Promise((resolve) => {
      socket.once('error', () => resolve(false));
      socket.bind(port, addresses[i], () => resolve(true));
    })));
    const found = free.every(Boolean);
    for (const socket of [probe, ...sockets]) found && apart ? socket.unref() : socket.close();
    if (found) return port;
  }
}

const bracketed = (address, port) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);

/** The two IPv4 addresses to listen on. */
const discoveryAddresses = ({ listen }) => Object.values(listen).filter((address) => !address.includes(':'));

class AhoyProgram {
  static async command(wants, ports) {
    const listeners = Object.values(wants.listen);
    const files = await selfSigned();
    const list = (items) => `[${items.map((item) => JSON.stringify(item)).join(', ')}]`;
    const settings = [
      `http.listen=["${theServers.v4}:${ports.http}"]`,
      `turn.fastpath=${apart ? 'on' : 'auto'}`,
      `server.threads=${wants.threads}`,
      `turn.listen=${list(listeners.map((address) => bracketed(address, ports.plain)))}`,
      `turn.tls_listen=${list(listeners.map((address) => bracketed(address, ports.tls)))}`,
      `tls.certificate=${JSON.stringify(files.certificate)}`,
      `tls.key=${JSON.stringify(files.key)}`,
      `turn.realm=${JSON.stringify(wants.realm)}`,
      `turn.relay_addresses=${list(wants.relay)}`,
      `turn.ports=[${wants.ports}]`,
      `turn.user_quota=${wants.userQuota}`,
      'turn.address_quota=0',
      `turn.allocation_bandwidth=${wants.bandwidth}`,
      `server.address_connections=${wants.addressConnections}`,
      `turn.peers.allow=${list(wants.allow)}`,
      `turn.peers.deny=${list(wants.deny)}`,
      wants.rest ? `turn.secret=${JSON.stringify(wants.secrets[0])}`
        : `turn.users={ ${Object.entries(wants.users).map(([name, password]) => `${JSON.stringify(name)} = ${JSON.stringify(password)}`).join(', ')} }`,
    ];
    if (wants.tcpRelay) settings.push('turn.tcp_relay=true');
    if (wants.mobility) settings.push('turn.mobility=true');
    if (wants.strictChannels) settings.push('turn.legacy_channels=false');
    if (wants.external) settings.push(`turn.external_addresses=${list(wants.external)}`);
    if (wants.discovery) {
      const [first, second] = discoveryAddresses(wants);
      settings.push(`turn.discovery=${list([bracketed(first, ports.plain), bracketed(second, ports.other)])}`);
    }
    if (wants.classic) settings.push('turn.classic_stun=true');
    if (wants.secureStun) settings.push('turn.authenticate_binding=true');
    if (wants.alternate) {
      settings.push(`turn.alternates=${list([wants.alternate])}`, 'turn.redirect="always"',
        `turn.tls_alternates=${list([`${wants.alternate}/turn2.example.org`])}`);
    }
    if (wants.drain) settings.push('server.drain_timeout="60s"');
    if (wants.proxy) settings.push(`server.balancers=${list(networks)}`);
    if (wants.oauth) {
      settings.push(`turn.oauth.server_name=${JSON.stringify(tokens.serverName)}`,
        `turn.oauth.keys=[{ kid = ${JSON.stringify(tokens.kid)}, key = ${JSON.stringify(tokens.key.toString('base64'))} }]`);
    }
    const said = settings.filter((each) => !wants.inFile.some((key) => each.startsWith(`${key}=`)));
    const file = wants.config ? ['--config', wants.config] : [];
    return [ahoy, ['serve', ...file, ...[...said, ...wants.settings].flatMap((each) => ['--set', each])], {}];
  }

  static refusal(log) {
    return /is not in this version/.test(log) && `not yet: ${/turn\.\w+/.exec(log)[0]}`;
  }

  static ready = (log) => /event=server\.ready/.test(log);
}

/** coturn has its keys in a database only. */
function keepKey(file) {
  return promisify(execFile)('sqlite3', [file,
    `CREATE TABLE IF NOT EXISTS oauth_key (kid varchar(128), ikm_key varchar(256), timestamp bigint default 0,
      lifetime integer default 0, as_rs_alg varchar(64) default '', realm varchar(127), primary key (kid));
    INSERT INTO oauth_key VALUES ('${tokens.kid}', '${tokens.key.toString('base64')}', 0, 0, 'A256GCM', '')`]);
}

class CoturnProgram {
  static async command(wants, ports) {
    const files = await selfSigned();
    const options = [
      '-n', `--listening-port=${ports.plain}`, `--tls-listening-port=${ports.tls}`,
      ...Object.values(wants.listen).map((ip) => `--listening-ip=${ip}`),
      ...wants.relay.map((ip) => `--relay-ip=${ip}`),
      `--min-port=${wants.ports[0]}`, `--max-port=${wants.ports[1]}`,
      `--cert=${files.certificate}`, `--pkey=${files.key}`, `--realm=${wants.realm}`,
      '--no-cli', '--log-file=stdout', '--simple-log', `--pidfile=${join(scratch(), `${ports.plain}.pid`)}`,
      `--userdb=${join(scratch(), `${ports.plain}.db`)}`, '--relay-threads=2', '--stale-nonce=600',
      '--no-software-attribute', '--no-multicast-peers', '--lt-cred-mech',
    ];
    if (wants.rest) options.push('--use-auth-secret', ...wants.secrets.map((each) => `--static-auth-secret=${each}`));
    else options.push(...Object.entries(wants.users).map(([name, password]) => `--user=${name}:${password}`));
    if (wants.allow.length) options.push('--allow-loopback-peers');
    if (wants.addressConnections) throw new NotSupported('no limit of connections');
    if (wants.bandwidth) throw new NotSupported('its bandwidth limit has no burst');
    if (wants.userQuota) options.push(`--user-quota=${wants.userQuota}`);
    if (!wants.tcpRelay) options.push('--no-tcp-relay');
    if (wants.mobility) options.push('--mobility');
    options.push(wants.discovery ? `--alt-listening-port=${ports.other}` : '--no-rfc5780');
    if (!wants.classic) options.push('--no-stun-backward-compatibility', '--response-origin-only-with-rfc5780');
    if (wants.secureStun) options.push('--secure-stun');
    if (wants.oauth) {
      options.push('--oauth', `--server-name=${tokens.serverName}`);
      await keepKey(join(scratch(), `${ports.plain}.db`));
    }
    if (wants.alternate) options.push(`--alternate-server=${wants.alternate}`, `--tls-alternate-server=${wants.alternate}`);
    if (wants.external) options.push(...wants.external.map((each) => `--external-ip=${each}`));
    if (wants.proxy) options.push(`--tcp-proxy-port=${ports.proxy}`);
    // What Ahoy denies by itself and coturn does not.
    options.push('--denied-peer-ip=10.0.0.0-10.255.255.255', '--denied-peer-ip=192.168.0.0-192.168.255.255',
      '--denied-peer-ip=172.16.0.0-172.31.255.255', '--denied-peer-ip=169.254.0.0-169.254.255.255',
      '--denied-peer-ip=100.64.0.0-100.127.255.255', '--denied-peer-ip=192.0.0.0-192.0.2.255',
      '--denied-peer-ip=192.88.99.0-192.88.99.255', '--denied-peer-ip=198.18.0.0-198.19.255.255',
      '--denied-peer-ip=198.51.100.0-198.51.100.255', '--denied-peer-ip=203.0.113.0-203.0.113.255',
      '--denied-peer-ip=240.0.0.0-255.255.255.255', '--denied-peer-ip=fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
      '--denied-peer-ip=2001::-2001:0:ffff:ffff:ffff:ffff:ffff:ffff',
      '--denied-peer-ip=fe80::-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '--denied-peer-ip=100::-100::ffff:ffff:ffff:ffff', '--denied-peer-ip=2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff');
    for (const range of wants.deny) options.push(`--denied-peer-ip=${range.replace(/\/.*/, '')}`);
    if (wants.drain) throw new NotSupported('no draining');
    return ['turnserver', options, { cwd: scratch() }];
  }

  static refusal = () => false;
  static ready = (log) => /SQLite DB connection success/.test(log);
}

export class Server {
  log = '';

  static async start(wanted = {}) {
    const wants = { ...defaults, ...wanted };
    const program = which === 'coturn' ? CoturnProgram : AhoyProgram;
    const addresses = apart ? [here.v4[0], here.v6] : Object.values(wants.listen);
    const ports = {};
    for (const name of ['plain', 'other', 'tls', 'proxy', 'http']) ports[name] = await freePort(addresses);
    const self = Object.assign(new Server(), { wants, ports });
    const [command, args, options] = await program.command(wants, ports);
    const limited = wants.files ? ['bash', '-c', `ulimit -n ${wants.files}; exec "$0" "$@"`] : [];
    const elsewhere = apart ? ['ip', 'netns', 'exec', apart] : [];
    const [first, ...others] = [...elsewhere, ...limited, command, ...args];
    self.process = spawn(first, others, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    self.ended = once(self.process, 'exit');
    process.on('exit', () => self.process.kill('SIGKILL'));
    for (const stream of [self.process.stdout, self.process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (self.log += text));
    }
    await self.#ready(program).catch(async (problem) => {
      await self.stop();
      throw problem;
    });
    return self;
  }

  async #ready(program) {
    let gone = false;
    this.ended.then(() => (gone = true));
    const deadline = Date.now() + startMs;
    for await (const _ of ticks(20)) {
      if (program.ready(this.log) && (await this.#answers())) return;
      if (!gone && Date.now() < deadline) continue;
      const refusal = program.refusal(this.log);
      throw refusal ? new NotSupported(refusal) : new Error(`the server did not get ready:\n${this.log}`);
    }
  }

  /** coturn opens some of its sockets after it has said the last that it says. */
  async #answers() {
    const { plain, tls } = this.ports;
    const open = this.balanced ? [this.balanced.port] : [plain, tls];
    const tries = Object.values(this.wants.listen).map(reached).flatMap((host) => open.map((port) =>
      new Promise((resolve) => {
        const socket = connect({ host, port }, () => (socket.destroy(), resolve(true)));
        socket.on('error', () => resolve(false));
      })));
    return (await Promise.all(tries)).every(Boolean);
  }

  /** Where clients of a transport connect to. */
  at(transport) {
    const { v4, v6 } = this.wants.listen;
    const port = /TLS/.test(transport) ? this.ports.tls : this.ports.plain;
    return { address: reached(isSix(transport) ? v6 : v4), port };
  }

  /** Where coturn's balancers come in, instead of anybody else; Ahoy knows them by their addresses. */
  get balanced() {
    return this.wants.proxy && which === 'coturn' ? { address: '127.0.0.1', port: this.ports.proxy } : undefined;
  }

  /** Resident memory in bytes. */
  memory() {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)[1]) * 1024;
  }

  get alive() {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** The port of Ahoy's page. */
  get httpPort() {
    if (which !== 'ahoy') throw new NotSupported('no HTTP');
    return this.ports.http;
  }

  /** How many packets the kernel has relayed. */
  async carried() {
    const metrics = await (await fetch(`http://${theServers.v4}:${this.httpPort}/metrics`)).text();
    const counts = [...metrics.matchAll(/^ahoy_turn_fastpath_packets_total\{.*\} (\d+)$/gm)];
    return counts.reduce((sum, [, count]) => sum + Number(count), 0);
  }

  async stop() {
    if (!this.alive) return;
    // One that drains may be gone meanwhile.
    if (apart) console.log(`in the kernel: ${await this.carried().catch(() => 0)} packets`);
    this.process.kill('SIGTERM');
    const watchdog = setTimeout(() => this.process.kill('SIGKILL'), 10_000);
    await this.ended;
    clearTimeout(watchdog);
  }
}
