// libnice, the ICE agent of GStreamer's webrtcbin and of others, as Debian has it. It has TURN over UDP
// and TCP; over TLS only in the dialects of old messengers.

import assert from 'node:assert/strict';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { count, loopback, pair, unless } from './clients.mjs';

const skip = unless('python3-gi gir1.2-gstreamer-1.0 gir1.2-nice-0.1 gstreamer1.0-nice', '/usr/bin/python3', '-c',
  'import gi; [gi.require_version(*each) for each in (("Gst", "1.0"), ("Nice", "0.1"))]');
const script = fileURLToPath(new URL('libnice_pair.py', import.meta.url));
const here = loopback();

for (const transport of ['udp', 'tcp']) {
  test(`libnice over ${transport.toUpperCase()}: everything comes back`, { skip }, async () => {
    assert.deepEqual(await pair(here, transport, '/usr/bin/python3', script), { returned: count, candidates: ['relayed'] });
  });
}
