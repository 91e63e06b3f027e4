// Two RTCPeerConnections of one of Node's implementations, which is the argument.

import { createRequire } from 'node:module';
import { relayedPair } from '../relayed_pair.mjs';

const { RTCPeerConnection } = createRequire(import.meta.url)(process.argv[2]);
const { TURN_HOST: host, TURN_PORT: port, TURN_TRANSPORT: transport, TURN_MESSAGES: count } = process.env;
const used = await relayedPair({
  RTCPeerConnection,
  iceServers: [{ urls: `turn:${host}:${port}?transport=${transport}`, username: process.env.TURN_USER,
    credential: process.env.TURN_PASSWORD }],
  count: Number(count),
});
const candidates = [...new Set(used.flatMap(({ local, remote }) => [local, remote]))];
process.stdout.write(JSON.stringify({ returned: Number(count), candidates }));
process.exit(); // neither of them lets go of its sockets
