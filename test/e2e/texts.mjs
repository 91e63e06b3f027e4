// The page's own texts, in each language.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const web = new URL('../../web/', import.meta.url);
const { build } = createRequire(new URL('package.json', web))('esbuild');
const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('src/texts/index.ts', web))],
  bundle: true,
  format: 'esm',
  write: false,
});
const module = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);

export function textsIn(language) {
  module.speak(language);
  return module.t;
}
