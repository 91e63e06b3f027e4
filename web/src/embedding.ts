// A call in a frame: the page around it gives orders and is told what happens.

import type { App } from './app.ts';
import { blank, changes, Conversation, type Command, type View } from './embed.ts';

/** Only a frame of another page's has somebody to talk to. */
export async function talkToParent(app: App): Promise<void> {
  const { parent } = window;
  if (parent === window) return;
  const meeting = allowedOrigins().then(
    (origins) => new Conversation(origins, parentOrigin(), (message, origin) => parent.postMessage(message, origin)),
  );
  let told = blank;
  const tellChanges = (page: Conversation) => {
    const now = viewOf(app);
    for (const event of changes(told, now)) page.tell(event);
    told = now;
  };
  const greet = (page: Conversation) => {
    page.tell({ type: 'ready', room: app.room });
    told = blank;
    tellChanges(page);
  };
  const hear = async ({ data, origin }: MessageEvent<unknown>) => {
    const page = await meeting; // what was said too early is heard then, in its order
    const order = page.hear(data, origin);
    if (!order) return;
    if (order.command.type === 'hello') greet(page);
    page.answer(order.id, await carryOut(app, order.command));
  };
  addEventListener('message', (event: MessageEvent<unknown>) => {
    if (event.source === parent) void hear(event);
  });
  const page = await meeting;
  app.subscribe(() => tellChanges(page));
  greet(page);
}

async function allowedOrigins(): Promise<readonly string[]> {
  try {
    const { origins }: { origins?: unknown } = await (await fetch('/v1/embed')).json();
    return Array.isArray(origins) ? (origins as unknown[]).filter((o): o is string => typeof o === 'string') : [];
  } catch {
    return []; // the call works, without a word
  }
}

/** Not every browser tells; then the page around us has to speak first.  Whether it is true does not
    matter: the browser delivers only to the origin that is named. */
function parentOrigin(): string | null {
  const [parent] = location.ancestorOrigins ?? [];
  if (parent) return parent;
  return document.referrer === '' ? null : new URL(document.referrer).origin;
}

function viewOf(app: App): View {
  const { session, media, presence } = app;
  const me = session?.me ?? null;
  const troubles = [app.error, media.problem?.code].filter((code) => typeof code === 'string');
  return {
    state: app.phase,
    me: me && { id: me.id, name: me.name, role: me.role },
    peers: new Map((session?.others ?? []).map(({ participant: { id, name } }) => [id, name])),
    reason: app.phase === 'failed' ? 'failed' : app.reason,
    troubles: new Set(troubles),
    mic: presence.mic,
    camera: presence.camera,
    screen: presence.screen,
    chat: app.panel === 'chat',
  };
}

const isOutside = ({ phase }: App) => phase === 'lobby' || phase === 'left' || phase === 'failed';

/** Null, or the code of what stood in the way. */
async function carryOut(app: App, command: Command): Promise<string | null> {
  switch (command.type) {
    case 'hello':
      return null;
    case 'join':
      if (!isOutside(app)) return 'already-joined';
      await app.joinAs(command);
      return null;
    case 'leave':
      if (isOutside(app)) return 'not-joined';
      await app.leave();
      return null;
    case 'mic':
      if (app.presence.mic !== command.on) await app.toggleMic();
      return app.presence.mic === command.on ? null : (app.media.problem?.code ?? 'media-ended');
    case 'camera':
      if (app.presence.camera !== command.on) await app.toggleCamera();
      return app.presence.camera === command.on ? null : (app.media.problem?.code ?? 'media-ended');
  }
  if (!app.session?.me) return 'not-joined';
  switch (command.type) {
    case 'close': {
      const outcome = await app.session.request({ type: 'close' });
      return outcome.ok ? null : outcome.refusal.code;
    }
    case 'screen':
      if ((app.screen !== null) !== command.on) await app.toggleScreen();
      return (app.screen !== null) === command.on ? null : 'screen-refused';
    case 'chat':
      if ((app.panel === 'chat') !== command.on) app.togglePanel('chat');
      return null;
  }
}
