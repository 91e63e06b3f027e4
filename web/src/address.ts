// What the page's address asks for, beside the room.

/** What opens a door: behind the # no server's log sees it. */
export interface Key {
  readonly invite?: string;
  readonly token?: string;
}

export function readKey({ hash, search }: Pick<Location, 'hash' | 'search'>): Key {
  const hidden = new URLSearchParams(hash.slice(1));
  const invite = hidden.get('invite');
  const token = hidden.get('token') ?? new URLSearchParams(search).get('token');
  return { ...(invite ? { invite } : {}), ...(token ? { token } : {}) };
}

/** The check, which may need the same token as the room. */
export function checkPath({ token }: Key): string {
  return token ? `/check#token=${encodeURIComponent(token)}` : '/check';
}
