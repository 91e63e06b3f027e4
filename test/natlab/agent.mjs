// libwebrtc, the ICE agent of browsers, in a process of its own: lines come in and go out.

import { createInterface } from 'node:readline';
import wrtc from '@roamhq/wrtc';
import { takesCalls } from './calls.mjs';

const take = takesCalls((line) => process.stdout.write(`${line}\n`), wrtc.RTCPeerConnection);
for await (const line of createInterface({ input: process.stdin })) take(line);
process.exit(0);
