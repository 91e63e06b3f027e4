// Behind nginx and haproxy, set up as docs/operations.md says: the page, AppRTC's requests and WebSockets
// come through, links are those of the proxy, and limits are those of the client's own address.  In a network
// namespace of its own, because of clients on this machine nothing is limited.

import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createRequire } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Server } from '../e2e/server.mjs';
import { freePort, takesConnections } from './ports.mjs';

const { WebSocket } = createRequire(new URL('../e2e/package.json', import.meta.url))('ws');
const documentation = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const missing = (program) => spawnSync(program, ['-v']).error ? `${program} is not installed` : false;
const joins = 2; // a minute
const [alice, bob] = ['192.0.2.2', '192.0.2.3'];
const namespace = ['--net', ...(userInfo().uid === 0 ? [] : ['--map-root-user'])];
const inside = process.env.AHOY_PROXIES_INSIDE; // the proxy that is tried in this network
const impossible = spawnSync('unshare', [...namespace, 'true']).status !== 0 && 'no network namespace may be made here';

/** The test of that proxy, in a network of its own. */
function inNamespace(name) {
  const network = ['ip link set lo up', ...[alice, bob].map((a) => `ip address add ${a}/32 dev lo`)].join(' && ');
  const env = { ...process.env, AHOY_PROXIES_INSIDE: name };
  delete env.NODE_TEST_CONTEXT; // this is a test run of its own
  const run = spawnSync('unshare', [...namespace, 'sh', '-ec', `${network} && exec "$0" --test "$1"`, process.execPath,
    fileURLToPath(import.meta.url)], { env, encoding: 'utf8' });
  assert.equal(run.status, 0, run.stdout + run.stderr);
}

let folder, certificate;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ahoy-'));
  certificate = join(folder, 'call.pem');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', '/CN=call.example.org', '-keyout', `${certificate}.key`, '-out', certificate], { stdio: 'ignore' });
  // haproxy wants both in one file, and nginx does not mind.
  await writeFile(certificate, (await readFile(`${certificate}.key`, 'utf8')) + (await readFile(certificate, 'utf8')));
});
after(() => rm(folder, { recursive: true }));

/** The snippet of that language and first line, with the ports and files of this test. */
function snippet(language, first, replacements) {
  const from = documentation.indexOf(`\`\`\`${language}\n${first}`);
  assert.ok(from >= 0, `docs/operations.md has ${first}`);
  let text = documentation.slice(documentation.indexOf('\n', from) + 1, documentation.indexOf('\n```', from) + 1);
  for (const [documented, ours] of replacements) {
    assert.ok(text.includes(documented), `${documented} in ${text}`);
    text = text.replaceAll(documented, ours);
  }
  return text;
}

/** Runs a proxy in the foreground until the test is over. */
async function start(t, port, program, ...args) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  const exit = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGTERM');
    await exit;
  });
  await takesConnections(child, port, '127.0.0.1', () => said);
}

const startNginx = async (t, port, server) => {
  const file = join(folder, `nginx-${port}.conf`);
  const site = snippet('nginx', 'map', [['listen 443 ssl', `listen 127.0.0.1:${port} ssl`], ['/etc/ssl/call.pem', certificate],
    ['/etc/ssl/call.key', certificate], ['127.0.0.1:8080', `127.0.0.1:${server.port}`]]);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((p) => `${p}_temp_path ${folder}/${p};`).join('\n');
  await writeFile(file, `daemon off; master_process off; pid ${folder}/nginx-${port}.pid; error_log stderr;\n` +
    `events {}\nhttp {\naccess_log off;\n${paths}\n${site}}\n`);
  await start(t, port, 'nginx', '-c', file, '-p', folder, '-e', 'stderr');
};

const startHaproxy = (first, target, how = '') => async (t, port, server) => {
  const file = join(folder, `haproxy-${port}.cfg`);
  const defaults = 'defaults\n    timeout connect 10s\n    timeout client 60s\n    timeout server 60s\n\n';
  const bind = first === 'frontend https' ? ['bind :443 ssl crt /etc/ssl/call.pem', `bind 127.0.0.1:${port} ssl crt ${certificate}`] :
    ['bind :443', `bind 127.0.0.1:${port}`];
  await writeFile(file, defaults + snippet('haproxy', first, [bind, [target, `127.0.0.1:${server.tlsPort || server.port}${how}`]]));
  await start(t, port, 'haproxy', '-db', '-f', file);
};

/** As a client of that address; the proxy's certificate is our own. */
function ask(port, method, path, localAddress = '127.0.0.1', headers = {}) {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, localAddress, rejectUnauthorized: false, agent: false,
      headers: { Host: 'call.example.org', ...headers } };
    request(options, async (reply) => {
      let body = '';
      for await (const part of reply) body += part;
      resolve({ status: reply.statusCode, headers: reply.headers, body });
    }).on('error', reject).end();
  });
}

async function hears(port, path, ...frames) {
  const socket = new WebSocket(`wss://127.0.0.1:${port}${path}`, { rejectUnauthorized: false, headers: { Host: 'call.example.org' } });
  await once(socket, 'open');
  for (const frame of frames) socket.send(JSON.stringify(frame));
  const [data] = await once(socket, 'message');
  socket.close();
  await once(socket, 'close');
  return JSON.parse(data);
}

for (const [name, program, startProxy, settings] of [
  ['nginx', 'nginx', startNginx, ['http.trusted_proxies=["127.0.0.1/32"]']],
  ['haproxy that ends TLS', 'haproxy', startHaproxy('frontend https', '127.0.0.1:8080'), ['http.trusted_proxies=["127.0.0.1/32"]']],
  // Who asks the server whether it is ready is no balancer.
  ['haproxy that writes PROXY headers', 'haproxy', startHaproxy('frontend tcp', '127.0.0.1:8443', ' source 127.0.0.9'),
    ['server.balancers=["127.0.0.9/32"]', 'tls.listen=["127.0.0.1:0"]']],
]) {
  if (!inside) test(`a call through ${name}`, { skip: missing(program) || impossible }, () => inNamespace(name));
  inside === name && test(`a call through ${name}`, async (t) => {
    const server = await Server.start({ settings: [...settings, `rooms.joins_per_minute=${joins}`] });
    t.after(() => server.stop());
    server.tlsPort = Number(/\bhttps=127\.0\.0\.1:(\d+)/.exec(server.log)?.[1]);
    const port = await freePort();
    await startProxy(t, port, server);

    const page = await ask(port, 'GET', '/');
    assert.equal(page.status, 200);
    assert.match(page.headers['content-security-policy'], /wss:\/\/call\.example\.org/);

    const joined = await ask(port, 'POST', '/join/tea', alice);
    const { result, params } = JSON.parse(joined.body);
    assert.equal(result, 'SUCCESS');
    assert.equal(params.wss_url, 'wss://call.example.org/ws');
    assert.equal(params.room_link, 'https://call.example.org/r/tea');

    const welcome = await hears(port, '/v1/ws', { type: 'hello', version: 1, room: 'coffee' });
    assert.equal(welcome.type, 'welcome');
    const { client_id: clientid } = params;
    const said = await hears(port, '/ws', { cmd: 'register', roomid: 'tea', clientid }, { cmd: 'what' });
    assert.match(said.error, /unexpected 'cmd'/);

    // The limit is each client's, not the proxy's, and nobody gets out of it by saying where they come from.
    assert.equal((await ask(port, 'POST', '/join/one', alice)).status, 200);
    assert.equal((await ask(port, 'POST', '/join/two', alice)).status, 429);
    const forged = { 'X-Forwarded-For': '192.0.2.9', Forwarded: 'for=192.0.2.9' };
    assert.equal((await ask(port, 'POST', '/join/two', alice, forged)).status, 429);
    assert.equal((await ask(port, 'POST', '/join/two', bob)).status, 200);
  });
}
