// aioice (Python), the ICE agent of aiortc, as Debian has it. It has no DTLS.

import assert from 'node:assert/strict';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { count, loopback, pair, unless } from './clients.mjs';

const skip = unless('python3-aioice', '/usr/bin/python3', '-c', 'import aioice');
const script = fileURLToPath(new URL('aioice_pair.py', import.meta.url));
const here = loopback();

for (const transport of ['udp', 'tcp', 'tls']) {
  test(`aioice over ${transport.toUpperCase()}: everything comes back`, { skip }, async () => {
    assert.deepEqual(await pair(here, transport, '/usr/bin/python3', script), { returned: count, candidates: ['relay'] });
  });
}
