// What one sees of the check: the verdict, who can mend what, and every step with its own outcome.

import type { JSX } from 'preact';
import { useEffect, useReducer, useRef, useState } from 'preact/hooks';
import { endpointOf, relays, transports, type Transport } from '../ice.ts';
import { Brand } from '../ui/flags.tsx';
import { CheckIcon, LinkIcon } from '../ui/icons.tsx';
import { LevelMeter, Sea } from '../ui/parts.tsx';
import type { IceServer } from '../wire.ts';
import { judgeAll, type Findings } from './advice.ts';
import { deviceSteps, networkSteps, type Outcome, type Step } from './outcome.ts';
import { report } from './report.ts';
import type { Check } from './run.ts';
import { outcomeText, remedy, summary, words, type Blanks } from './texts.ts';

const marks: { readonly [state in Outcome['state']]: string } = {
  waiting: 'M8 12h8',
  pending: 'M12 3.5a8.5 8.5 0 1 0 8.5 8.5',
  ok: 'M6.5 12.5l3.7 3.7 7.3-8',
  weak: 'M12 6.5v7M12 17v.2',
  failed: 'M7.5 7.5l9 9M16.5 7.5l-9 9',
  skipped: 'M8 12h8',
};

const Mark = ({ state }: { state: Outcome['state'] }) => (
  <svg class="mark" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d={marks[state]} />
  </svg>
);

function time(outcome: Outcome): string {
  if (!('ms' in outcome) || outcome.ms === 0) return '';
  return outcome.ms < 1000 ? `${outcome.ms} ms` : `${(outcome.ms / 1000).toFixed(1)} s`;
}

function SpeakerButtons({ check }: { check: Check }): JSX.Element {
  const { play, again, question, yes, no } = words().speaker;
  const { speaker, outcomes } = check;
  const tried = 'ms' in outcomes.speaker || speaker === 'asking';
  return (
    <div class={speaker === 'asking' ? 'step-buttons asking' : 'step-buttons'}>
      {speaker === 'asking' && (
        <span class="answer" role="group" aria-label={question}>
          <span role="status">{question}</span>
          <button type="button" class="button small" data-action="heard" onClick={() => check.heard(true)}>
            {yes}
          </button>
          <button type="button" class="button small" data-action="not-heard" onClick={() => check.heard(false)}>
            {no}
          </button>
        </span>
      )}
      <button
        type="button"
        class="button small"
        data-action="speaker"
        disabled={speaker === 'playing'}
        onClick={() => void check.tone()}
      >
        {tried ? again : play}
      </button>
    </div>
  );
}

function StepRow({ check, step }: { check: Check; step: Step }): JSX.Element {
  const outcome = check.outcomes[step];
  const { name, what } = words().steps[step];
  const why = 'why' in outcome ? outcome.why : undefined;
  const ms = 'ms' in outcome ? outcome.ms : undefined;
  return (
    <li class="step" data-step={step} data-state={outcome.state} data-why={why} data-ms={ms}>
      <Mark state={outcome.state} />
      <div class="step-words">
        <h3>
          {name} <span class="faint">{what}</span>
        </h3>
        <p class="outcome">{outcomeText(step, outcome)}</p>
      </div>
      <span class="took">{time(outcome)}</span>
      {step === 'speaker' && <SpeakerButtons check={check} />}
    </li>
  );
}

function Steps({ check, title, steps }: { check: Check; title: string; steps: readonly Step[] }): JSX.Element {
  return (
    <section class="steps" aria-label={title}>
      <h2>{title}</h2>
      <ul>
        {steps.map((step) => (
          <StepRow key={step} check={check} step={step} />
        ))}
      </ul>
    </section>
  );
}

/** Muted, because nobody wants to hear themselves. */
function Picture({ check }: { check: Check }): JSX.Element | null {
  const ref = useRef<HTMLVideoElement>(null);
  const { stream, video, audio } = check.media;
  useEffect(() => {
    if (!ref.current) return;
    ref.current.srcObject = stream;
    if (stream) ref.current.play().catch(() => {});
  }, [stream]);
  if (!video && !audio) return null;
  return (
    <div class="picture">
      {video && <video ref={ref} data-local class="mirrored" muted autoplay playsInline aria-label={words().picture} />}
      <LevelMeter track={audio} />
    </div>
  );
}

/** Where these listen, as a firewall's rule would name them. */
function places(servers: readonly IceServer[]): string {
  const ports = new Map<string, Set<number>>();
  for (const { host, port } of servers.flatMap(({ urls }) => urls).map(endpointOf)) {
    ports.set(host, (ports.get(host) ?? new Set()).add(port));
  }
  return [...ports].map(([host, its]) => `${host}:${[...its].join('/')}`).join(', ');
}

function blanksOf({ servers }: Check): Blanks {
  const over = (...wanted: Transport[]) => places(wanted.flatMap((transport) => relays(servers, transport)));
  return { relay: over(...transports), udp: over('udp'), host: location.host };
}

function Verdict({ check, findings }: { check: Check; findings: Findings }): JSX.Element {
  const { verdicts, helpers } = words();
  const blanks = blanksOf(check);
  return (
    <div class="verdict" data-summary>
      <h1>{verdicts[findings.verdict]}</h1>
      <p class="lead">{summary(findings).join(' ')}</p>
      {findings.advice.length > 0 && (
        <dl class="advice">
          {findings.advice.map(({ helper, remedy: which }) => (
            <div key={which} data-helper={helper} data-remedy={which}>
              <dt>{helpers[helper]}</dt>
              <dd>{remedy(which, blanks)}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

function Intro({ running }: { running: boolean }): JSX.Element {
  const { title, lead, note } = words().ready;
  return (
    <div class="verdict">
      <h1>{title}</h1>
      <p class="lead">{lead}</p>
      {!running && <p class="faint">{note}</p>}
    </div>
  );
}

function reportOf(check: Check): string {
  return report(check.outcomes, {
    when: (check.finishedAt ?? new Date()).toISOString(),
    origin: location.origin,
    browser: navigator.userAgent,
    servers: check.servers,
  });
}

/** The button says what became of it; the text itself is below, for browsers that do not copy. */
function Report({ check }: { check: Check }): JSX.Element {
  const [copied, setCopied] = useState<boolean | null>(null);
  const { copy, copied: done, notCopied, report: title } = words().buttons;
  const text = reportOf(check);
  useEffect(() => setCopied(null), [text]);
  const press = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      setCopied(false);
    }
  };
  return (
    <div class="report">
      <button type="button" class="button small" data-action="copy-report" onClick={() => void press()}>
        {copied ? <CheckIcon /> : <LinkIcon />}
        <span>{copied ? done : copy}</span>
      </button>
      {copied === false && (
        <p class="wrong" role="alert">
          {notCopied}
        </p>
      )}
      <details open={copied === false}>
        <summary>{title}</summary>
        <pre data-report tabIndex={0} role="region" aria-label={title}>
          {text}
        </pre>
      </details>
    </div>
  );
}

export function CheckPage({ check }: { check: Check }): JSX.Element {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => check.subscribe(() => redraw(undefined)), [check]);
  const { phase } = check;
  const findings = phase === 'done' ? judgeAll(check.outcomes) : null;
  // Only when its screen is drawn is the page in a state: scripts read the rest on this word.
  useEffect(() => {
    document.body.dataset.check = phase;
    if (findings) document.body.dataset.verdict = findings.verdict;
    else delete document.body.dataset.verdict;
  }, [phase, findings?.verdict]);
  const { verdicts, running, buttons, groups } = words();
  const label = { ready: buttons.run, running, done: buttons.again }[phase];
  const said = findings ? `${verdicts[findings.verdict]}. ${summary(findings).join(' ')}` : phase === 'running' ? running : '';
  return (
    <main class="check" data-verdict={findings?.verdict}>
      <Sea />
      <header>
        <a href="/" class="home" aria-label="Ahoy">
          <Brand />
        </a>
      </header>
      <div class="check-grid">
        <div class="check-side">
          {findings ? <Verdict check={check} findings={findings} /> : <Intro running={phase === 'running'} />}
          <div class="row">
            <button
              type="button"
              class={`button large${findings ? '' : ' primary'}`}
              data-action="run"
              disabled={phase === 'running'}
              onClick={() => void check.run()}
            >
              {label}
            </button>
            {findings && findings.verdict !== 'bad' && (
              <a class="button primary large" href="/" data-action="call">
                {buttons.call}
              </a>
            )}
          </div>
          <Picture check={check} />
          {findings && <Report check={check} />}
        </div>
        <div class="check-steps">
          <Steps check={check} title={groups.devices} steps={deviceSteps} />
          <Steps check={check} title={groups.network} steps={networkSteps} />
        </div>
      </div>
      <p class="voice" role="status" aria-live="polite">
        {said}
      </p>
    </main>
  );
}
