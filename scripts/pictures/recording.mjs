// What terminals show while something happens in them, with the waits made shorter.

const EVERY_MS = 100;
/** No still picture stays longer, except the last. */
const LONGEST_SECONDS = 1.2;
/** How much faster than life it plays. */
const SPEED = 3;
const LAST_SECONDS = 8;

/** @param {{ screen(): Promise<string> }[]} terminals */
export function recordingOf(terminals) {
  const frames = [];
  const shoot = async () => {
    const screens = await Promise.all(terminals.map((terminal) => terminal.screen())).catch(() => null);
    // When something fails, terminals are gone before the recording ends.
    if (screens === null) return;
    const last = frames.at(-1);
    if (last && screens.every((screen, index) => screen === last.screens[index])) return;
    frames.push({ at: Date.now(), screens });
  };
  const timer = setInterval(() => void shoot(), EVERY_MS);

  return {
    end() {
      clearInterval(timer);
      return frames.map(({ at, screens }, index) => {
        const next = frames[index + 1];
        return { screens, seconds: next ? Math.min((next.at - at) / 1_000 / SPEED, LONGEST_SECONDS) : LAST_SECONDS };
      });
    },
  };
}
