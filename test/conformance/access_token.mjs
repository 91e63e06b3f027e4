// What an authorization server gives out (RFC 7635 §6.2), made by hand.

import { createCipheriv, randomBytes } from 'node:crypto';
import { tokens } from './server.mjs';

export function seal({ macKey, timestamp = Date.now() / 1000, lifetime: seconds = 3600, serverName = tokens.serverName }) {
  const block = Buffer.alloc(2 + macKey.length + 12);
  block.writeUInt16BE(macKey.length);
  macKey.copy(block, 2);
  block.writeBigUInt64BE(BigInt(Math.floor(timestamp)) << 16n, 2 + macKey.length);
  block.writeUInt32BE(seconds, 10 + macKey.length);
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', tokens.key, nonce).setAAD(Buffer.from(serverName));
  return Buffer.concat([Buffer.from([0, nonce.length]), nonce, cipher.update(block), cipher.final(), cipher.getAuthTag()]);
}
