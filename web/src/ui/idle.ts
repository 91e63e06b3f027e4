// Controls rest while nothing moves, so that only the person remains.

import { useEffect, useState } from 'preact/hooks';

const idleMs = 4_000;

export function useIdle(active: boolean): boolean {
  const [idle, setIdle] = useState(false);
  useEffect(() => {
    setIdle(false);
    if (!active) return;
    let resting = false;
    let waking = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const rest = (value: boolean) => {
      resting = value;
      setIdle(value);
    };
    const stir = (event?: Event) => {
      // A finger hits what it cannot see: the touch that wakes the controls presses none of them.
      if (event?.type === 'pointerdown') waking = resting && (event as PointerEvent).pointerType === 'touch';
      rest(false);
      clearTimeout(timer);
      timer = setTimeout(() => rest(true), idleMs);
    };
    const click = (event: Event) => {
      if (waking) event.stopPropagation();
      if (waking) event.preventDefault();
      waking = false;
    };
    const events = ['pointerdown', 'pointermove', 'keydown', 'focusin'] as const;
    for (const event of events) addEventListener(event, stir, true);
    addEventListener('click', click, true);
    stir();
    return () => {
      clearTimeout(timer);
      for (const event of events) removeEventListener(event, stir, true);
      removeEventListener('click', click, true);
    };
  }, [active]);
  return idle;
}
