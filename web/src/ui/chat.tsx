// What people write to each other, as plain text; only addresses become links.  And the files that
// they send.

import type { ComponentChildren, JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { App } from '../app.ts';
import { linkify, longestLine, type Line } from '../chat.ts';
import type { FileItem } from '../files.ts';
import { t } from '../texts/index.ts';
import { Offered, Sent } from './files.tsx';
import { ClipIcon, SendIcon } from './icons.tsx';
import { Panel } from './panels.tsx';

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

function Words({ text }: { text: string }): JSX.Element {
  return (
    <p dir="auto">
      {linkify(text).map(({ text: part, href }, i) =>
        href === null ? (
          part
        ) : (
          <a key={i} href={href} target="_blank" rel="noopener noreferrer">
            {part}
          </a>
        ),
      )}
    </p>
  );
}

/** What was written or sent, and by whom. */
interface EntryProps {
  who: string;
  mine: boolean;
  /** When, or what is still missing. */
  when: ComponentChildren;
  follows: boolean;
  kind?: string;
  children: ComponentChildren;
}

function Entry({ who, mine, when, follows, kind = '', children }: EntryProps): JSX.Element {
  return (
    <li class={`line${mine ? ' mine' : ''}${follows ? ' follows' : ''}${kind}`}>
      <p class={follows ? 'voice' : 'by'}>
        {mine ? t.you : who || t.guest} {when}
      </p>
      {children}
    </li>
  );
}

function Bubble({ line, follows }: { line: Line; follows: boolean }): JSX.Element {
  const when = line.sending ? t.chat.sending : <time>{clock.format(line.at)}</time>;
  return (
    <Entry who={line.from} mine={line.mine} when={when} follows={follows} kind={line.sending ? ' sending' : ''}>
      <Words text={line.text} />
    </Entry>
  );
}

function FileBubble({ app, item }: { app: App; item: FileItem }): JSX.Element {
  const mine = item.kind === 'sent';
  return (
    <Entry who={mine ? '' : item.from.name} mine={mine} when={<time>{clock.format(item.at)}</time>} follows={false}>
      {mine ? <Sent item={item} /> : <Offered app={app} item={item} />}
    </Entry>
  );
}

type Placed = { readonly line: Line } | { readonly item: FileItem };

/** Lines stand by the clock of the server; a file stands below the newest line of when it came. */
function inOrder(lines: readonly Line[], items: readonly FileItem[]): Placed[] {
  const placed: Placed[] = [];
  const rest = [...items];
  for (const line of lines) {
    while (rest[0] && (line.sending || rest[0].after < line.at)) placed.push({ item: rest.shift() as FileItem });
    placed.push({ line });
  }
  return [...placed, ...rest.map((item) => ({ item }))];
}

/** Of the same person, within a minute: the name need not be said again. */
function following(line: Line, before: Placed | undefined): boolean {
  if (!before || !('line' in before)) return false;
  const { mine, from, at } = before.line;
  return mine === line.mine && from === line.from && line.at - at < 60_000;
}

/** The newest stays in view, unless one is reading further up. */
function Lines({ app }: { app: App }): JSX.Element {
  const ref = useRef<HTMLDivElement>(null);
  const below = useRef(true);
  const { lines } = app.chat;
  const { items } = app.files;
  const follow = () => {
    if (ref.current) ref.current.scrollTop = ref.current.scrollHeight;
  };
  useLayoutEffect(() => {
    if (below.current || lines.at(-1)?.mine) follow();
  }, [lines, items]);
  // A file grows and shrinks with what becomes of it, and the box with the window.
  useLayoutEffect(() => {
    const list = ref.current?.querySelector('ul');
    if (!ref.current || !list) return;
    const observer = new ResizeObserver(() => below.current && follow());
    observer.observe(ref.current);
    observer.observe(list);
    return () => observer.disconnect();
  }, []);
  const all = inOrder(lines, items);
  return (
    <div
      ref={ref}
      class="lines"
      role="log"
      aria-label={t.chat.lines}
      tabIndex={0}
      onScroll={({ currentTarget: box }) => {
        below.current = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
      }}
    >
      {all.length === 0 && <p class="faint empty">{t.chat.empty}</p>}
      <ul>
        {all.map((placed, i) =>
          'line' in placed ? (
            <Bubble key={`${placed.line.at} ${i}`} line={placed.line} follows={following(placed.line, all[i - 1])} />
          ) : (
            <FileBubble key={placed.item.key} app={app} item={placed.item} />
          ),
        )}
      </ul>
    </div>
  );
}

function Attach({ app }: { app: App }): JSX.Element {
  const ref = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        class="attach"
        data-action="attach"
        aria-label={t.files.attach}
        title={t.files.attach}
        disabled={!app.session?.me}
        {...app.tasks.marks('attach')}
        onClick={() => app.mayAttach() && ref.current?.click()}
      >
        <ClipIcon />
      </button>
      <input
        ref={ref}
        type="file"
        multiple
        hidden
        onChange={({ currentTarget: input }) => {
          app.sendFiles(input.files ?? []);
          input.value = ''; // so that the same can be chosen again
        }}
      />
    </>
  );
}

/** By itself, so that a keystroke draws no more than this. */
function Compose({ app }: { app: App }): JSX.Element {
  const { chat, session } = app;
  const { draft } = chat;
  const [, redraw] = useState('');
  const ready = session?.me !== null && session?.me !== undefined;

  const write = (text: string) => {
    chat.draft = text;
    redraw(text);
  };
  const send = (event: Event) => {
    event.preventDefault();
    const text = chat.draft.trim();
    if (text === '') return;
    write('');
    void app.write(text);
  };
  const hint = !ready
    ? t.chat.notYet
    : session.offline
      ? t.chat.offline
      : app.chatIsRead
        ? ''
        : t.chat.unread;

  return (
    <form class="compose" onSubmit={send}>
      {hint !== '' && (
        <p id="compose-hint" class="faint" role="status">
          {hint}
        </p>
      )}
      <Attach app={app} />
      <textarea
        rows={1}
        value={draft}
        maxLength={longestLine}
        placeholder={t.chat.placeholder}
        aria-label={t.chat.message}
        aria-describedby={hint === '' ? undefined : 'compose-hint'}
        enterkeyhint="send"
        onInput={(event) => write(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && ready) send(event);
        }}
      />
      <button
        type="submit"
        class="send"
        data-action="send"
        aria-label={t.chat.send}
        disabled={!ready || draft.trim() === ''}
        {...app.tasks.marks('send')}
        onMouseDown={(event) => event.preventDefault()} // the focus, and a phone's keyboard, stay
      >
        <SendIcon />
      </button>
    </form>
  );
}

export function ChatPanel({ app }: { app: App }): JSX.Element {
  return (
    <Panel app={app} name="chat" title={t.chat.title}>
      <Lines app={app} />
      <Compose app={app} />
    </Panel>
  );
}
