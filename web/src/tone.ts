// Something to hear, for who wants to know whether the loudspeaker works.

/** Two notes. Resolves when they have sounded. */
export async function playTone(speaker: string): Promise<void> {
  const context = new AudioContext();
  if (speaker !== '' && 'setSinkId' in context) {
    await (context as unknown as { setSinkId(id: string): Promise<void> }).setSinkId(speaker).catch(() => {});
  }
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
  oscillator.stop(now + 1.25);
  await new Promise((resolve) => (oscillator.onended = resolve));
  await context.close();
}
