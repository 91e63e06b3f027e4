// pion's TURN client (Go), as Debian has it.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { count, loopback, pair, run, unless } from './clients.mjs';

const sources = '/usr/share/gocode';
const skip = unless('golang-go', 'go', 'version') ||
  unless('golang-github-pion-turn.v2-dev', 'test', '-d', `${sources}/src/github.com/pion/turn/v2`) ||
  unless('golang-github-pion-dtls.v2-dev', 'test', '-d', `${sources}/src/github.com/pion/dtls/v2`);

let program;
const here = loopback(async () => {
  if (skip) return;
  program = join(here.folder, 'pair');
  const { failed, output } = await run('go', ['build', '-o', program, 'main.go'], {
    cwd: fileURLToPath(new URL('pion/', import.meta.url)),
    timeout: 300_000,
    env: { PATH: process.env.PATH, HOME: process.env.HOME ?? here.folder, GO111MODULE: 'off', GOPATH: sources,
      GOFLAGS: '', GOTOOLCHAIN: 'local', CGO_ENABLED: '0' },
  });
  assert.equal(failed, false, output);
});

for (const transport of ['udp', 'tcp', 'tls', 'dtls']) {
  test(`pion over ${transport.toUpperCase()}: everything comes back`, { skip }, async () => {
    assert.deepEqual(await pair(here, transport, program), { returned: count });
  });
}
