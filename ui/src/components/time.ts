/** How instants, ages and durations are written. All of it is pure; `now` is an input, in ms since 1970. */

const UNITS: [string, number][] = [
  ['y', 365 * 86_400],
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
];

/** `2d 4h`, `3m 20s`, `0s`: the two largest units, downwards. */
export function duration(seconds: number): string {
  let rest = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.length > 0 ? parts.join(' ') : '0s';
}

/** `12:05`, `1:02:03`: a place in a recording, of seconds. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** `3 min ago`, `in 2 h`, `just now`. */
export function age(instant: string, now: number): string {
  const seconds = (now - Date.parse(instant)) / 1000;
  if (Number.isNaN(seconds)) return instant;
  const length = Math.abs(seconds);
  if (length < 5) return 'just now';
  const words = coarse(length);
  return seconds >= 0 ? `${words} ago` : `in ${words}`;
}

function coarse(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  if (seconds < 60 * 86_400) return `${Math.floor(seconds / 86_400)} days`;
  if (seconds < 2 * 365 * 86_400) return `${Math.floor(seconds / (30 * 86_400))} months`;
  return `${Math.floor(seconds / (365 * 86_400))} years`;
}

/** How long until the words of `age` change, in ms. */
export function nextTick(instant: string, now: number): number {
  const length = Math.abs(now - Date.parse(instant)) / 1000;
  if (length < 60) return 1_000;
  return length < 3600 ? 15_000 : 60_000;
}

/** In the viewer's zone: `2026-01-31 16:00`, with seconds if asked. */
export function local(instant: string, seconds = false): string {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return instant;
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}${seconds ? `:${two(date.getSeconds())}` : ''}`;
  return `${day} ${time}`;
}

/** The exact instant in UTC: `2026-01-31 15:00:00.250 UTC`. */
export function utc(instant: string): string {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return instant;
  return `${date.toISOString().replace('T', ' ').replace('Z', '').replace('.000', '')} UTC`;
}

/** The viewer's zone, such as `Europe/Warsaw`. */
export function zone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** What an `<input type="datetime-local">` says, as an instant; `null` where it says nothing. */
export function fromInput(text: string): string | null {
  const date = new Date(text);
  return text === '' || Number.isNaN(date.getTime()) ? null : date.toISOString().replace('.000Z', 'Z');
}

/** The inverse of `fromInput`. */
export function toInput(instant: string | null): string {
  return instant === null ? '' : local(instant).replace(' ', 'T');
}

/** `5.4 kB`, `1.2 GB`: decimal units, three digits at most. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  const units = ['kB', 'MB', 'GB', 'TB', 'PB'];
  let value = count;
  let unit = 'B';
  for (const next of units) {
    if (value < 999.5) break;
    value /= 1000;
    unit = next;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** `12,345` in the viewer's manner. */
export function count(value: number): string {
  return value.toLocaleString();
}
