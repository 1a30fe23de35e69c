/** Writes pino's time member: `,"timestamp":"2026-11-20T12:00:00.123Z"`. Most of it stays the same for a second. */
export function createTimestamp(now: () => number = Date.now): () => string {
  let second = -1;
  let prefix = "";
  return () => {
    const time = now();
    const current = Math.floor(time / 1000);
    if (current !== second) {
      second = current;
      prefix = `,"timestamp":"${new Date(current * 1000).toISOString().slice(0, -4)}`;
    }
    const milliseconds = time - current * 1000;
    return `${prefix}${milliseconds < 10 ? "00" : milliseconds < 100 ? "0" : ""}${milliseconds}Z"`;
  };
}
