// What people write to each other, as plain text; only addresses become links.

import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { App } from '../app.ts';
import { linkify, longestLine, type Line } from '../chat.ts';
import { t } from '../texts/index.ts';
import { SendIcon } from './icons.tsx';
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

function Bubble({ line, follows }: { line: Line; follows: boolean }): JSX.Element {
  return (
    <li class={`line${line.mine ? ' mine' : ''}${follows ? ' follows' : ''}${line.sending ? ' sending' : ''}`}>
      <p class={follows ? 'voice' : 'by'}>
        {line.mine ? t.you : line.from || t.guest}{' '}
        {line.sending ? t.chat.sending : <time>{clock.format(line.at)}</time>}
      </p>
      <Words text={line.text} />
    </li>
  );
}

/** The newest line stays in view, unless one is reading further up. */
function Lines({ lines }: { lines: readonly Line[] }): JSX.Element {
  const ref = useRef<HTMLDivElement>(null);
  const below = useRef(true);
  useLayoutEffect(() => {
    const box = ref.current;
    if (box && (below.current || lines.at(-1)?.mine)) box.scrollTop = box.scrollHeight;
  }, [lines]);
  const follows = (line: Line, i: number) => {
    const before = lines[i - 1];
    return before?.mine === line.mine && before.from === line.from && line.at - before.at < 60_000;
  };
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
      {lines.length === 0 && <p class="faint empty">{t.chat.empty}</p>}
      <ul>
        {lines.map((line, i) => (
          <Bubble key={`${line.at} ${i}`} line={line} follows={follows(line, i)} />
        ))}
      </ul>
    </div>
  );
}

export function ChatPanel({ app }: { app: App }): JSX.Element {
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
    const text = draft.trim();
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
    <Panel app={app} name="chat" title={t.chat.title}>
      <Lines lines={chat.lines} />
      <form class="compose" onSubmit={send}>
        {hint !== '' && (
          <p id="compose-hint" class="faint" role="status">
            {hint}
          </p>
        )}
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
          onMouseDown={(event) => event.preventDefault()} // the focus, and a phone's keyboard, stay
        >
          <SendIcon />
        </button>
      </form>
    </Panel>
  );
}
