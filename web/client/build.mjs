// Builds the package @ahoy/client: node client/build.mjs --out DIR
//
// DIR is the package as `npm pack` and `npm publish` take it: one module, its types, and what is here.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const { values } = parseArgs({ options: { out: { type: 'string' } } });
if (!values.out) {
  console.error('usage: node client/build.mjs --out DIR');
  process.exit(2);
}
const out = resolve(values.out);
mkdirSync(out, { recursive: true });

await build({
  entryPoints: [join(here, '../src/client.ts')],
  outfile: join(out, 'client.js'),
  bundle: true,
  format: 'esm',
  target: ['es2022', 'node18'],
  platform: 'neutral',
  logLevel: 'warning',
});

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '-p', here, '--outDir', out], { stdio: 'inherit' });
// Declarations keep the extensions of the sources, which are not there.
for (const name of readdirSync(out).filter((file) => file.endsWith('.d.ts'))) {
  const file = join(out, name);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/(from '\.\/\w+)\.ts'/g, "$1.js'"));
}
for (const file of ['package.json', 'README.md']) copyFileSync(join(here, file), join(out, file));
