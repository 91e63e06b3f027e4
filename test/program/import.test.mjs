// `ahoy import`, of all that the installed coturn can be told.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { fileURLToPath } from 'node:url';

const binary = process.env.AHOY_BIN ?? fileURLToPath(new URL('../../build/release/ahoy', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ahoy-import-'));
after(() => rmSync(folder, { recursive: true }));

const run = (program, ...args) => spawnSync(program, args, { encoding: 'utf8' });
const help = run('turnserver', '--help');
const skip = help.error ? 'not installed: coturn' : false;

/** What import says of such a turnserver.conf; its result is a configuration that may be. */
function imported(text) {
  const [from, to] = [join(folder, 'turnserver.conf'), join(folder, 'ahoy.toml')];
  writeFileSync(from, text);
  const { stdout, stderr, status } = run(binary, 'import', from);
  assert.ok(status === 0 || status === 1, stderr);
  writeFileSync(to, stdout);
  const check = run(binary, 'check-config', to);
  assert.equal(check.status, 0, check.stderr);
  return stderr;
}

const unknown = (said) => said.split('\n').filter((line) => line.includes('is no option that is known'));

test('an option that coturn does not have is named', () => {
  assert.deepEqual(unknown(imported('frobnicate=1\nno-cli\n')),
    ['turnserver.conf:1: frobnicate: changes: is no option that is known here']);
});

test('each option of coturn\'s help is known', { skip }, () => {
  const options = [...`${help.stdout}${help.stderr}`.matchAll(/^ +(?:-\w, +)*(?:, +)?(--[\w-]+)(?:, +(--[\w-]+))?/gm)]
    .flatMap(([, ...names]) => names.filter(Boolean).map((name) => name.slice(2)))
    .filter((name) => name !== 'version');
  assert.ok(options.length > 90, `${options.length} options`);
  assert.deepEqual(unknown(imported(options.join('\n'))), []);
});

/** Debian's, which is coturn's own with a few lines switched on. */
function sample() {
  for (const file of ['/usr/share/doc/coturn/examples/etc/turnserver.conf', '/etc/turnserver.conf']) {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      // The first is left out of small images, the second is not for everybody.
    }
  }
  return undefined;
}

const text = sample();
test('each option of coturn\'s sample configuration is known', { skip: text ? false : 'no sample turnserver.conf' }, () => {
  const options = [...text.matchAll(/^#?([A-Za-z][\w-]*(?:=.*| +".*)?)$/gm)].map(([, option]) => option);
  assert.ok(options.length > 100, `${options.length} options`);
  assert.deepEqual(unknown(imported(options.join('\n'))), []);
  for (const option of options) assert.deepEqual(unknown(imported(option)), [], option);
});
