// Five hundred strings that have broken pages: markup in every wrapping, and what is odd without any.

/** What runs does this; nothing may run. */
const act = 'globalThis.harmed=1';

const markup = [
  `<script>${act}</script>`,
  `<img src=x onerror="${act}">`,
  `<svg/onload=${act}>`,
  `<svg><animate onbegin=${act} attributeName=x dur=1s>`,
  `<iframe srcdoc="<script>parent.${act}</script>"></iframe>`,
  `<iframe src="javascript:${act}"></iframe>`,
  `<object data="javascript:${act}"></object>`,
  `<a href="javascript:${act}">x</a>`,
  `<details open ontoggle=${act}>`,
  `<input autofocus onfocus=${act}>`,
  `<style>*{display:none}</style>`,
  `<base href="https://example.org/">`,
  `<meta http-equiv=refresh content="0;url=https://example.org/">`,
  `<form action=https://example.org/><button>x`,
  `<math><mtext><table><mglyph><style><img src=x onerror=${act}>`,
  `<template><img src=x onerror=${act}></template>`,
  `<!--><img src=x onerror=${act}>-->`,
  `<![CDATA[<img src=x onerror=${act}>]]>`,
  `javascript:${act}//https://example.org/`,
  `data:text/html,<script>${act}</script>`,
  `https://example.org/"onmouseover="${act}`,
  `https://example.org/<img src=x onerror=${act}>`,
  `http://[::1/${act}`,
  `\${${act}}`,
  `{{constructor.constructor('${act}')()}}`,
  `';${act};'`,
  `";${act};//`,
  '`;' + act + ';`',
  `&lt;img src=x onerror=${act}&gt;`,
  `%3Cimg%20src=x%20onerror=${act}%3E`,
  `\\u003cimg src=x onerror=${act}\\u003e`,
];
const wrappings = [
  (s) => s,
  (s) => `"${s}`,
  (s) => `'>${s}`,
  (s) => `"/>${s}`,
  (s) => `</p></div></main>${s}`,
  (s) => `</title></textarea></script>${s}`,
  (s) => `]]>--></style>${s}`,
  (s) => s.toUpperCase(),
  (s) => s.replaceAll('<', '<\u0000'),
  (s) => s.replaceAll('<', '\uFF1C'),
  (s) => `\u202E${s}`,
  (s) => `${s}\n${s}`,
  (s) => `=cmd|'${s}'!A0`,
  (s) => `{"type":"chat","text":"${s}`,
  (s) => `\u2067${s}\u2069\u200B`,
];
const odd = [
  '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'undefined', 'null', 'NaN', 'true', '[object Object]',
  '0', '-1', '1e999', '[]', '{}', '{"__proto__":{"polluted":1}}', '%s%n%x', '%00', '\\', '\\\\', '\u0000', '\uFEFF',
  '\u200B\u200B\u200B', '\u202Eevil\u202C', '\u2066x', '\u061C', '\uD800', '\uDC00x', '\uFFFE', '\u{10FFFF}',
  'Z\u0351\u036B\u0343'.repeat(12), '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}'.repeat(6), '\u{1F1E9}\u{1F1EA}'.repeat(9),
  '\uFDFD'.repeat(20), 'لُلُصّبُلُلصّبُررً', 'ﷺ', 'İıſK', 'A'.repeat(5_000), ' '.repeat(300), 'W'.repeat(64),
  '\u00A0', '\t\r\n', '\u2028', '\u0085', '..', '../../../etc/passwd', 'CON', "Robert'); DROP TABLE rooms;--",
  '() { :; };', '; rm -rf /', '$(id)', '| id', '<%= 7*7 %>', '#{7*7}', '*', '?', '#', '&', '&amp;', '&#0;', '\u0007\u001B[31m',
];

export const hostile = [...new Set([...odd, ...wrappings.flatMap((wrap) => markup.map(wrap))])].slice(0, 500);
