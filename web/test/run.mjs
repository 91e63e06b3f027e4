// Bundles the modules under test (Node 18 reads no TypeScript) and runs every *.test.mjs here.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const modules = [
  'protocol', 'wire', 'session', 'names', 'stats', 'chat', 'layout', 'speaker', 'embed', 'report', 'files', 'browser', 'tasks',
  'texts/index', 'texts/language', 'ui/texts',
  'ice', 'wishes', 'check/outcome', 'check/advice', 'check/texts', 'check/report',
];
const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'ahoy-web-test-'));
try {
  await build({
    entryPoints: modules.map((name) => join(here, `../src/${name}.ts`)),
    outdir: out,
    splitting: true, // modules that several tests need are there once, as in the page
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    logLevel: 'warning',
  });
  const tests = readdirSync(here).filter((name) => name.endsWith('.test.mjs'));
  const { status } = spawnSync(process.execPath, ['--test', ...tests.map((name) => join(here, name))], {
    stdio: 'inherit',
    env: { ...process.env, BUILT: out },
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(out, { recursive: true });
}
