// Something to hear, for who wants to know whether the loudspeaker works.

const lengthMs = 1_250;
/** A browser that finds nothing to play on lets time stand still. */
const patienceMs = 3 * lengthMs;

/** Two notes. Resolves when they have sounded, rejects when they cannot. */
export async function playTone(speaker: string): Promise<void> {
  const context = new AudioContext();
  try {
    if (speaker !== '' && 'setSinkId' in context) {
      await (context as unknown as { setSinkId(id: string): Promise<void> }).setSinkId(speaker);
    }
    await sound(context);
  } finally {
    await context.close();
  }
}

async function sound(context: AudioContext): Promise<void> {
  const gain = context.createGain();
  gain.connect(context.destination);
  const now = context.currentTime;
  for (const [at, volume] of [[0, 0], [0.05, 0.3], [1.1, 0.3], [1.2, 0]] as const) {
    gain.gain.linearRampToValueAtTime(volume, now + at);
  }
  const oscillator = context.createOscillator();
  oscillator.frequency.setValueAtTime(523.25, now);
  oscillator.frequency.setValueAtTime(659.25, now + 0.6);
  oscillator.connect(gain);
  oscillator.start(now);
  oscillator.stop(now + lengthMs / 1000);
  await new Promise((resolve, reject) => {
    oscillator.onended = resolve;
    setTimeout(() => reject(new Error('nothing plays')), patienceMs);
  });
}

/** Rejects where no element could play there. */
export async function trySpeaker(speaker: string): Promise<void> {
  const element = new Audio();
  if ('setSinkId' in element) await element.setSinkId(speaker);
}
