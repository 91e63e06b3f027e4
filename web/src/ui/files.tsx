// A file in the chat: what becomes of it, and what one can do about it.

import type { ComponentChildren, JSX } from 'preact';
import type { App } from '../app.ts';
import type { OfferedFile, SentFile } from '../files.ts';
import { fileSize, t } from '../texts/index.ts';
import { FileIcon } from './icons.tsx';
import { nameOf } from './texts.ts';

interface CardProps {
  name: string;
  size: number;
  state: string;
  children: ComponentChildren;
}

/** The ending tells what it is, so a long name loses its middle. */
const label = (name: string): string => (name.length > 40 ? `${name.slice(0, 24)}…${name.slice(-14)}` : name);

function Card({ name, size, state, children }: CardProps): JSX.Element {
  return (
    <div class="file" data-file={state}>
      <p class="file-name">
        <FileIcon />
        <bdi title={name}>{label(name)}</bdi>
        <span class="faint">{fileSize(size)}</span>
      </p>
      {children}
    </div>
  );
}

interface ProgressProps {
  name: string;
  percent: number;
}
const Progress = ({ name, percent }: ProgressProps) => (
  <progress max={100} value={percent} aria-label={t.files.progress(name)} />
);

interface ActProps {
  action: string;
  words: string;
  onClick: () => void;
}
const Act = ({ action, words, onClick }: ActProps) => (
  <button type="button" class="button small" data-action={action} onClick={onClick}>
    {words}
  </button>
);

export function Offered({ app, item }: { app: App; item: OfferedFile }): JSX.Element {
  const { name, transfer } = item;
  const { state, size, percent, blob } = transfer;
  return (
    <Card name={name} size={size} state={state}>
      <p class="faint">{t.files.offered[state]}</p>
      {state === 'moving' && <Progress name={name} percent={percent} />}
      <div class="row">
        {state === 'offered' && (
          <>
            <Act action="accept-file" words={t.files.accept} onClick={() => transfer.accept()} />
            <Act action="decline-file" words={t.files.decline} onClick={() => transfer.cancel()} />
          </>
        )}
        {state === 'moving' && <Act action="cancel-file" words={t.files.cancel} onClick={() => transfer.cancel()} />}
        {blob && <Act action="save-file" words={t.files.save} onClick={() => app.saveFile(name, blob)} />}
      </div>
    </Card>
  );
}

export function Sent({ item }: { item: SentFile }): JSX.Element {
  const { name, size, to } = item;
  const open = to.filter(({ transfer }) => transfer?.over === false);
  return (
    <Card name={name} size={size} state={open.length > 0 ? 'open' : 'over'}>
      <ul class="receivers">
        {to.map(({ id, name: who, transfer }) => (
          <li key={id} data-transfer={transfer?.state ?? 'unable'}>
            <span class="peer-name">{nameOf(who)}</span>{' '}
            <span class="faint">{transfer ? t.files.sent[transfer.state] : t.files.unable}</span>
            {transfer?.state === 'moving' && <Progress name={name} percent={transfer.percent} />}
          </li>
        ))}
      </ul>
      {open.length > 0 && (
        <>
          <p class="faint">{t.files.onlyHere}</p>
          <Act
            action="cancel-file"
            words={t.files.cancel}
            onClick={() => {
              for (const { transfer } of open) transfer?.cancel();
            }}
          />
        </>
      )}
    </Card>
  );
}
