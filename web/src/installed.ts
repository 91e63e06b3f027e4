// The page installed as an app: all it takes is a word for when the server does not answer (public/sw.js).

interface TrustedUrls {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

const worker = '/sw.js';

/** Where browsers trust no text as a script's address, this one address is vouched for. */
function trusted(): string {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedUrls };
  return trustedTypes?.createPolicy('ahoy', { createScriptURL: () => worker }).createScriptURL(worker) ?? worker;
}

/** Once the page has nothing more urgent to load; browsers without service workers, or without HTTPS, do without. */
export function installOffline(): void {
  if (!('serviceWorker' in navigator)) return;
  const install = () => void navigator.serviceWorker.register(trusted()).catch(() => {});
  if (document.readyState === 'complete') install();
  else addEventListener('load', install);
}
