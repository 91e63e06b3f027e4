// The numbers behind a call: of each person the last minute as curves, the path, and the pictures.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { App } from '../app.ts';
import type { Peer } from '../session.ts';
import { curve, masked, quality, range, type Picture, type Stats } from '../stats.ts';
import { decimal, t } from '../texts/index.ts';
import { Panel } from './panels.tsx';
import { nameOf } from './texts.ts';

const dash = '–';
const whole = (value: number) => decimal(value, 0);
const inMs = (value: number) => `${whole(value)} ms`;
const inPercent = (value: number) => `${decimal(value, 1)} %`;
const inBits = (kbps: number) => (kbps >= 1000 ? `${decimal(kbps / 1000, 1)} Mbit/s` : `${whole(kbps)} kbit/s`);

const plotWidth = 140;
const plotHeight = 28;

interface PlotProps {
  name: string;
  values: readonly (number | null)[];
  format: (value: number) => string;
  /** What is worth the whole height when there is no more. */
  least: number;
}

/** The curve says nothing that the words do not. */
function Plot({ name, values, format, least }: PlotProps): JSX.Element {
  const found = range(values);
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {typeof found?.now === 'number' ? format(found.now) : dash}
        {found && <span class="voice">. {t.stats.spread(format(found.least), format(found.most))}</span>}
        <svg
          viewBox={`0 -1 ${plotWidth} ${plotHeight + 2}`}
          preserveAspectRatio="none"
          aria-hidden="true"
          focusable="false"
        >
          <path class="base" d={`M0 ${plotHeight}H${plotWidth}`} />
          <path d={curve(values, plotWidth, plotHeight, least)} />
        </svg>
      </dd>
    </div>
  );
}

function Plots({ history }: { history: readonly Stats[] }): JSX.Element {
  const of = (pick: (stats: Stats) => number | null) => history.map(pick);
  return (
    <dl class="plots">
      <Plot name={t.stats.roundTrip} values={of((s) => s.rttMs)} format={inMs} least={50} />
      <Plot name={t.stats.jitter} values={of((s) => s.jitterMs)} format={inMs} least={20} />
      <Plot name={t.stats.receiving} values={of((s) => s.receiveKbps)} format={inBits} least={200} />
      <Plot name={t.stats.sending} values={of((s) => s.sendKbps)} format={inBits} least={200} />
      <Plot name={t.stats.loss} values={of((s) => s.lossPercent)} format={inPercent} least={5} />
      <Plot name={t.stats.sentLoss} values={of((s) => s.sentLossPercent)} format={inPercent} least={5} />
      <Plot name={t.stats.fpsIn} values={of((s) => s.received?.fps ?? null)} format={whole} least={30} />
      <Plot name={t.stats.fpsOut} values={of((s) => s.sent?.fps ?? null)} format={whole} least={30} />
    </dl>
  );
}

function Numbers({ rows }: { rows: readonly (readonly [string, readonly string[]])[] }): JSX.Element {
  return (
    <dl class="numbers">
      {rows.map(([name, values]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {values.map((value) => (
              <span key={value}>{value}</span>
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function picture(p: Picture): string[] {
  const { width, height, fps, codec, frames, dropped, limit } = p;
  const held = t.stats.limits[limit];
  return [
    [`${width} × ${height}`, `${fps} fps`, codec].filter((part) => part !== '').join(', '),
    t.stats.frames(whole(frames), whole(dropped)),
    ...(held ? [held] : []),
  ];
}

function details(stats: Stats, open: boolean): [string, string[]][] {
  const end = (type: string, address: string) => [
    t.stats.routes[type] ?? (type || dash),
    ...(address === '' ? [] : [open ? address : masked(address)]),
  ];
  const shown = (name: string, p: Picture | null): [string, string[]][] => (p ? [[name, picture(p)]] : []);
  return [
    [t.stats.route, [`${stats.relayed ? t.stats.relayed : t.stats.direct}, ${stats.protocol.toUpperCase() || dash}`]],
    [t.stats.yours, end(stats.localType, stats.localAddress)],
    [t.stats.theirs, end(stats.remoteType, stats.remoteAddress)],
    ...shown(t.stats.pictureIn, stats.received),
    ...shown(t.stats.pictureOut, stats.sent),
    ...shown(t.stats.screenIn, stats.screenReceived),
    ...shown(t.stats.screenOut, stats.screenSent),
    [t.stats.soundIn, [stats.audioCodec || dash]],
    [t.stats.soundOut, [stats.sentAudioCodec || dash]],
  ];
}

function Person({ peer, stats, first, open }: { peer: Peer; stats: Stats; first: boolean; open: boolean }): JSX.Element {
  return (
    <details class="person-stats" open={first}>
      <summary>
        <span class="peer-name">{nameOf(peer.participant.name)}</span>
        <span class="faint">{t.call.quality(quality(stats))}</span>
      </summary>
      <Plots history={peer.history} />
      <Numbers rows={details(stats, open)} />
    </details>
  );
}

export function StatsPanel({ app }: { app: App }): JSX.Element {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState(''); // of the moment when it was opened: what moves cannot be selected
  const known = (app.session?.others ?? []).flatMap((peer) => (peer.stats ? [{ peer, stats: peer.stats }] : []));
  const server = app.session?.roundTrip ?? null;
  return (
    <Panel app={app} name="stats" title={t.stats.title}>
      {known.length === 0 && <p class="faint">{t.stats.none}</p>}
      {known.map(({ peer, stats }, i) => (
        <Person key={peer.participant.id} peer={peer} stats={stats} first={i === 0} open={open} />
      ))}
      {server !== null && <p class="faint">{t.stats.server(Math.round(server))}</p>}
      {known.length > 0 && (
        <button type="button" class="setting" data-action="addresses" aria-pressed={open} onClick={() => setOpen(!open)}>
          <span>{t.stats.addresses}</span>
          <i class="toggle" aria-hidden="true" />
        </button>
      )}
      <div class="report">
        <button
          type="button"
          class="button small"
          data-action="copy-report"
          {...app.tasks.marks('copy-report')}
          onClick={() => void app.copyReport()}
        >
          {t.stats.reportCopy}
        </button>
        <p class="faint">{t.stats.reportAbout}</p>
        <details onToggle={(event) => setText(event.currentTarget.open ? app.reportText() : '')}>
          <summary>{t.stats.reportRead}</summary>
          {text !== '' && <pre tabIndex={0}>{text}</pre>}
        </details>
      </div>
    </Panel>
  );
}
