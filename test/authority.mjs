// A certificate authority for one test run, and a server's certificate by it: for clients that ask
// who the server is, as browsers do.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** `names` as in a subjectAltName. The files are in `folder`. */
export async function certify(folder, names) {
  const file = (name) => join(folder, name);
  const fresh = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await run('openssl', [...fresh, '-subj', '/CN=Ahoy test authority', '-addext', 'keyUsage=critical,keyCertSign',
    '-keyout', file('authority.key'), '-out', file('authority.pem')]);
  await run('openssl', [...fresh, '-subj', '/CN=turn.example.org', '-CA', file('authority.pem'),
    '-CAkey', file('authority.key'), '-addext', `subjectAltName=${names}`, '-addext', 'extendedKeyUsage=serverAuth',
    '-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', file('server.key'), '-out', file('server.pem')]);
  return { authority: file('authority.pem'), certificate: file('server.pem'), key: file('server.key') };
}

/** Settings of the server that shows it. */
export const shows = ({ certificate, key }) => [`tls.certificate=${JSON.stringify(certificate)}`,
  `tls.key=${JSON.stringify(key)}`];

/** Into the NSS database of a folder, as browsers have one; it is made if there is none. */
export async function trust({ authority }, database) {
  await run('certutil', ['-A', '-d', `sql:${database}`, '-n', 'ahoy', '-t', 'C,,', '-i', authority, '-f', '/dev/null']);
}
