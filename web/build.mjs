// Builds the call page: node build.mjs --out DIR --cc FILE
//
// DIR gets the files as a web server would serve them; FILE is C++ that carries the same bytes and
// defines ahoy::net::web_assets().  Scripts and styles are named by their content, so that they can
// be cached for ever.

import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const budget = 120 * 1024; // everything a first visit of one page loads, compressed

/** Each with its template in public/ and its scripts and styles. */
const pages = { '/': 'index.html', '/check': 'check.html', '/offline': 'offline.html' };
const entries = { first: 'src/first.ts', app: 'src/main.tsx', check: 'src/check/main.tsx', offline: 'src/offline.ts' };
const icons = ['icon.svg', 'icon-192.png', 'icon-512.png', 'icon-maskable.png', 'icon-apple.png'];

const types = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  txt: 'text/plain; charset=utf-8',
  webmanifest: 'application/manifest+json',
};

function asset(path, body, immutable) {
  const bytes = Buffer.from(body);
  const gzip = gzipSync(bytes, { level: 9 });
  gzip[9] = 255; // "unknown" system, so that the output is the same everywhere
  const type = types[path in pages ? 'html' : path.split('.').pop()];
  return { path, type, body: bytes, gzip: gzip.length < bytes.length ? gzip : Buffer.alloc(0), immutable };
}

const digest = (body) => createHash('sha256').update(body).digest('base64url').slice(0, 10);

function hashed(name, body) {
  const [stem, extension] = name.split('.');
  return asset(`/assets/${stem}-${digest(body)}.${extension}`, body, true);
}

/** What is made of these sources, by name. */
async function bundle(entryPoints, options) {
  const { outputFiles } = await build({
    entryPoints,
    absWorkingDir: here,
    outdir: 'assets',
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'warning',
    ...options,
  });
  return outputFiles.map(({ path, contents }) => [basename(path), contents]);
}

const forBrowsers = { minify: true, target: ['es2022', 'chrome100', 'firefox100', 'safari15.4'], legalComments: 'none' };

/** The front page as it is before any script runs: a template for each language. */
async function landings() {
  const [[, script]] = await bundle({ prerender: 'src/prerender.tsx' }, { platform: 'node' });
  const { landings } = await import(`data:text/javascript;base64,${Buffer.from(script).toString('base64')}`);
  return landings.map(({ language, html }) => `<template lang="${language}">${html}</template>`).join('\n');
}

async function collect() {
  const read = (name) => readFile(join(here, 'public', name));
  const named = new Map(); // what others refer to, as {{name}}
  for (const [name, body] of await bundle(entries, forBrowsers)) named.set(name, hashed(name, body));
  for (const name of icons) named.set(name, hashed(name, await read(name)));
  const template = async (name, more = {}) =>
    String(await read(name)).replace(/\{\{([\w.-]+)\}\}/g, (_, wanted) => more[wanted] ?? named.get(wanted).path);
  const minified = (html) => html.replace(/\n\s*/g, '\n').trim() + '\n';

  const html = new Map();
  const drawn = { landings: await landings() };
  for (const [path, name] of Object.entries(pages)) html.set(path, minified(await template(name, drawn)));
  const worker = await template('sw.js', { version: digest(html.get('/offline')) });
  return [
    ...[...html].map(([path, body]) => asset(path, body, false)),
    asset('/manifest.webmanifest', JSON.stringify(JSON.parse(await template('manifest.webmanifest'))), false),
    asset('/robots.txt', await read('robots.txt'), false),
    asset('/sw.js', worker, false),
    ...named.values(),
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
  const file = join(out, pages[path] ?? path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, body);
  if (gzip.length > 0) await writeFile(`${file}.gz`, gzip);
}
await mkdir(dirname(resolve(values.cc)), { recursive: true });
await writeFile(values.cc, cplusplus(assets));

const sent = ({ body, gzip }) => gzip.length || body.length;
for (const each of assets) {
  console.log(`${each.path.padEnd(36)} ${String(each.body.length).padStart(7)} B  gzip ${String(sent(each)).padStart(6)} B`);
}
for (const page of assets.filter(({ path }) => path in pages)) {
  const loaded = assets.filter((each) => each === page || page.body.includes(`"${each.path}"`));
  const total = loaded.reduce((sum, each) => sum + sent(each), 0);
  console.log(`a first visit of ${page.path.padEnd(34)} gzip ${String(total).padStart(6)} B of ${budget}`);
  if (total > budget) {
    console.error(`the page ${page.path} is over its budget`);
    process.exitCode = 1;
  }
}
