/** No longer than `length`; what is cut off shows as `…`. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

const wholeNumbers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const shortNumbers = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

/** In full where there is room, else as 12.3K. */
export function count(value: number, room = 10): string {
  const full = wholeNumbers.format(value);
  return full.length <= room ? full : shortNumbers.format(value);
}

/** Dollars, with the fractions of a cent that model calls cost. */
export function money(dollars: number): string {
  return `$${dollars.toFixed(dollars < 100 ? 4 : 2)}`;
}

/** Milliseconds below a second, else seconds. */
export function duration(seconds: number): string {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}

/** Minutes and seconds: `01:18`. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${String(Math.floor(whole / 60)).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
}
