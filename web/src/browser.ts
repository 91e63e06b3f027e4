// Which browser this is, only to say where its buttons are.  What it can do is asked of itself.

export type Browser = 'chromium' | 'firefox' | 'safari' | 'other';

/** By its User-Agent.  On iPhones all are Safari with another name, but have buttons of their own. */
export function browserOf(userAgent: string): Browser {
  if (/\b(CriOS|FxiOS|EdgiOS)\//.test(userAgent)) return 'other';
  if (/\bFirefox\//.test(userAgent)) return 'firefox';
  if (/Chrom(e|ium)\//.test(userAgent)) return 'chromium';
  return /\bSafari\//.test(userAgent) ? 'safari' : 'other';
}
