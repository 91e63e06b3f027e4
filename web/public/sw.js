// Installed by the page (src/installed.ts).  Its only work is an honest word when the server does not
// answer: no page and no script of a call ever comes from a cache, so none is ever out of date.

const cacheName = 'offline-{{version}}';
const page = '/offline';
const parts = ['{{offline.css}}', '{{offline.js}}', '{{icon.svg}}'];

async function keep() {
  const cache = await caches.open(cacheName);
  await cache.addAll([page, ...parts]);
  await self.skipWaiting();
}

async function tidy() {
  for (const name of await caches.keys()) if (name !== cacheName) await caches.delete(name);
  await self.registration.navigationPreload?.enable();
}

/** What the server says, whatever it is; ours only where it says nothing. */
async function answer(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch (error) {
    const kept = await caches.match(event.request.mode === 'navigate' ? page : event.request);
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener('install', (event) => event.waitUntil(keep()));
self.addEventListener('activate', (event) => event.waitUntil(tidy()));
self.addEventListener('fetch', (event) => {
  const isPart = parts.includes(new URL(event.request.url).pathname);
  if (event.request.mode === 'navigate' || isPart) event.respondWith(answer(event));
});
