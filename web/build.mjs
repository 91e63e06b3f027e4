// Builds the call page: node build.mjs --out DIR --cc FILE
//
// DIR gets the files as a web server would serve them; FILE is C++ that carries the same bytes and
// defines ahoy::net::web_assets().  Scripts and styles are named by their content, so that they can
// be cached for ever.

import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const budget = 60 * 1024; // everything a first visit loads, compressed

const types = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
  webmanifest: 'application/manifest+json',
};

function asset(path, body, immutable) {
  const bytes = Buffer.from(body);
  const gzip = gzipSync(bytes, { level: 9 });
  gzip[9] = 255; // "unknown" system, so that the output is the same everywhere
  const type = types[path === '/' ? 'html' : path.split('.').pop()];
  return { path, type, body: bytes, gzip: gzip.length < bytes.length ? gzip : Buffer.alloc(0), immutable };
}

function hashed(name, body) {
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 10);
  const [stem, extension] = name.split('.');
  return asset(`/assets/${stem}-${hash}.${extension}`, body, true);
}

async function bundle() {
  const result = await build({
    entryPoints: { app: join(here, 'src/main.tsx') },
    absWorkingDir: here,
    outdir: 'assets',
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: ['es2022', 'chrome100', 'firefox100', 'safari15.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'warning',
  });
  const output = (extension) => result.outputFiles.find((f) => f.path.endsWith(extension)).contents;
  return { js: hashed('app.js', output('.js')), css: hashed('app.css', output('.css')) };
}

async function collect() {
  const read = (name) => readFile(join(here, 'public', name), 'utf8');
  const { js, css } = await bundle();
  const icon = hashed('icon.svg', (await read('icon.svg')).trim());
  const fill = (template) =>
    template.replace(/\{\{(js|css|icon)\}\}/g, (_, name) => ({ js, css, icon })[name].path);
  const minified = (html) => html.replace(/\n\s*/g, '\n').trim() + '\n';
  return [
    asset('/', minified(fill(await read('index.html'))), false),
    asset('/manifest.webmanifest', JSON.stringify(JSON.parse(fill(await read('manifest.webmanifest')))), false),
    asset('/robots.txt', await read('robots.txt'), false),
    icon,
    js,
    css,
  ];
}

function cplusplus(assets) {
  const array = (name, bytes) => {
    const lines = [];
    for (let i = 0; i < bytes.length; i += 40) lines.push([...bytes.subarray(i, i + 40)].join(','));
    return `const unsigned char ${name}[] = {\n${lines.join(',\n')}};\n`;
  };
  const view = (name, bytes) => (bytes.length === 0 ? 'std::string_view()' : `view(${name})`);
  const arrays = assets.map(
    (a, i) => array(`body_${i}`, a.body) + (a.gzip.length > 0 ? array(`gzip_${i}`, a.gzip) : ''),
  );
  const rows = assets.map(
    (a, i) =>
      `        {"${a.path}", "${a.type}", ${view(`body_${i}`, a.body)}, ${view(`gzip_${i}`, a.gzip)}, ${a.immutable}},\n`,
  );
  return `// Made by web/build.mjs.
#include "net/assets.h"

#include <cstddef>

namespace ahoy::net {
namespace {

template <std::size_t size>
std::string_view view(const unsigned char (&bytes)[size]) {
    return {reinterpret_cast<const char*>(bytes), size};
}

${arrays.join('\n')}
}  // namespace

std::span<const Asset> web_assets() {
    static const Asset assets[] = {
${rows.join('')}    };
    return assets;
}

}  // namespace ahoy::net
`;
}

const { values } = parseArgs({ options: { out: { type: 'string' }, cc: { type: 'string' } } });
if (!values.out || !values.cc) {
  console.error('usage: node build.mjs --out DIR --cc FILE');
  process.exit(2);
}

const assets = await collect();
const out = resolve(values.out);
await rm(join(out, 'assets'), { recursive: true, force: true }); // old hashes
for (const { path, body, gzip } of assets) {
  const file = join(out, path === '/' ? 'index.html' : path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, body);
  if (gzip.length > 0) await writeFile(`${file}.gz`, gzip);
}
await mkdir(dirname(resolve(values.cc)), { recursive: true });
await writeFile(values.cc, cplusplus(assets));

let total = 0;
for (const { path, body, gzip } of assets) {
  const sent = gzip.length || body.length;
  total += sent;
  console.log(`${path.padEnd(32)} ${String(body.length).padStart(7)} B  gzip ${String(sent).padStart(6)} B`);
}
console.log(`${'all'.padEnd(47)} gzip ${String(total).padStart(6)} B of ${budget}`);
if (total > budget) {
  console.error('the page is over its budget');
  process.exit(1);
}
