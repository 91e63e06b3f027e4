// The package @ahoy/client, as those who install it get it.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('..', import.meta.url));
const consumer = mkdtempSync(join(tmpdir(), 'ahoy-client-'));
const installed = join(consumer, 'node_modules/@ahoy/client');
mkdirSync(installed, { recursive: true });
execFileSync(process.execPath, [join(web, 'client/build.mjs'), '--out', installed]);
after(() => rmSync(consumer, { recursive: true }));

/** What tsc has to say of a file that uses the package. */
function compile(source, lib) {
  writeFileSync(join(consumer, 'use.ts'), source);
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const options = { strict: true, exactOptionalPropertyTypes: true, module: 'nodenext', target: 'es2022', noEmit: true, types: [], lib };
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['use.ts'] }));
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', consumer], { cwd: consumer, encoding: 'utf8' });
  return stdout;
}

writeFileSync(join(consumer, 'package.json'), '{ "type": "module" }');

const use = `
import { Client, parseSignal, webSocketTransport, type Owner, type Presence, type WebSocketConstructor } from '@ahoy/client';
declare const Some: WebSocketConstructor;
const me: Presence = { name: 'Alice', mic: true, camera: true, screen: false, hand: false };
const owner: Owner = {
  waiting() {},
  welcome: ({ snapshot, you }) => { const names: string[] = [you.name, ...(snapshot?.participants ?? []).map((p) => p.name)]; void names; },
  event(event) {
    if (event.type === 'signal') { const signal = parseSignal(event.data); if (signal?.type === 'offer') { const sdp: string = signal.sdp; void sdp; } }
    if (event.type === 'joined') { const id: number = event.participant.id; void id; }
  },
  lost() {},
  ended(end) { if (end.kind === 'refused' && end.refusal.retry) { const pause: number | null = end.refusal.retryAfter; void pause; } },
};
const client = new Client(webSocketTransport(Some), 'wss://call.example.org/v1/ws', { room: 'daily', token: 'a.b.c' }, me, owner);
client.start();
const outcome = await client.request({ type: 'chat', text: 'hello' });
if (!outcome.ok) { const code: string = outcome.refusal.code; void code; }
await client.leave();
`;

test('the package has one module, its types, and nothing else', () => {
  const [packed] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: installed, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  assert.equal(packed.name, '@ahoy/client');
  assert.deepEqual(packed.files.map(({ path }) => path).sort(), [
    'README.md',
    'client.d.ts',
    'client.js',
    'package.json',
    'protocol.d.ts',
    'transport.d.ts',
    'wire.d.ts',
  ]);
});

test('its types are right for strict users, without a DOM and with one', () => {
  assert.equal(compile(use, ['es2022']), '');
  assert.equal(compile(`${use}\nwebSocketTransport(WebSocket);`, ['es2022', 'dom']), '');
});

test('its types refuse what the protocol does not know', () => {
  assert.match(compile(`${use}\nawait client.request({ type: 'dance' });`, ['es2022']), /use\.ts.*TS2322.*dance/);
});

test('it runs where there is neither a DOM nor a WebSocket', async () => {
  const { Client, webSocketTransport } = await import(join(installed, 'client.js'));
  assert.equal(typeof Client, 'function');
  assert.equal(typeof webSocketTransport, 'function');
});
