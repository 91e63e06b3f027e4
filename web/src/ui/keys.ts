// The keys that work everywhere: AppRTC's and more.  What they do, what the overview lists and what
// buttons tell of them comes from this one table; its words are t.keys.

import type { App } from '../app.ts';
import type { Texts } from '../texts/index.ts';

export type Act = keyof Texts['keys'];

interface Shortcut {
  /** As the browser names them (KeyboardEvent.key), in lower case. */
  readonly keys: readonly string[];
  /** Also while one writes. */
  readonly always?: boolean;
  readonly possible: (app: App) => boolean;
  readonly run: (app: App) => void;
}

const calling = ({ phase }: App) => !['lobby', 'left', 'failed'].includes(phase);
const inside = ({ session }: App) => session !== null && session.me !== null;

export const shortcuts: { readonly [act in Act]: Shortcut } = {
  mic: { keys: ['m', ' '], possible: (app) => calling(app) || app.media.audio !== null, run: (app) => void app.toggleMic() },
  camera: { keys: ['c'], possible: (app) => calling(app) || app.media.video !== null, run: (app) => void app.toggleCamera() },
  hand: { keys: ['h'], possible: inside, run: (app) => app.toggleHand() },
  chat: { keys: ['t'], possible: inside, run: (app) => app.togglePanel('chat') },
  people: { keys: ['p'], possible: inside, run: (app) => app.togglePanel('people') },
  stats: { keys: ['i'], possible: calling, run: (app) => app.togglePanel('stats') },
  layout: {
    keys: ['v'],
    possible: ({ session }) => session !== null && session.peers.size > 1,
    run: (app) => app.toggleSpotlight(),
  },
  mini: { keys: ['l'], possible: calling, run: (app) => app.toggleMini() },
  fullscreen: { keys: ['f'], possible: () => document.fullscreenEnabled, run: (app) => void app.toggleFullscreen() },
  leave: { keys: ['q'], possible: calling, run: (app) => void app.leave() },
  keys: { keys: ['?'], possible: () => true, run: (app) => app.toggleKeys() },
  close: {
    keys: ['escape'],
    always: true,
    possible: ({ panel, tasks }) => panel !== 'none' || tasks.failed !== null,
    run: (app) => (app.tasks.failed ? app.tasks.dismiss() : app.closePanel()),
  },
};

/** As aria-keyshortcuts wants them; undefined where there are none. */
export function keysOf(action: string): string | undefined {
  if (!(action in shortcuts)) return undefined;
  return shortcuts[action as Act].keys.map((key) => (key === ' ' ? 'Space' : key)).join(' ');
}

export function onKey(app: App, event: KeyboardEvent): void {
  if (event.isComposing) return;
  const key = event.key.toLowerCase();
  const shortcut = Object.values(shortcuts).find(({ keys }) => keys.includes(key));
  if (!shortcut?.possible(app)) return;
  if (!shortcut.always && !meant(event)) return;
  // Over everything else lies the overview: only what opened it acts, and Escape, which is the browser's.
  if (app.keysShown && shortcut !== shortcuts.keys) return;
  shortcut.run(app);
  event.preventDefault();
}

/** A key by itself, and not for what has the focus. */
function meant({ ctrlKey, metaKey, altKey, repeat, target, key }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey || repeat) return false;
  if (!(target instanceof Element)) return true;
  return !target.closest(key === ' ' ? 'input, select, textarea, button, a' : 'input, select, textarea');
}
