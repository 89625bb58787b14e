/** IPv4 ranges as numbers, for the map of a range. */

/** The addresses of an IPv4 range, at most `most`; null where it is larger, not IPv4, or no range. */
export function addressesOf(range: string, most: number): string[] | null {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?:\/(\d+))?$/.exec(range);
  if (match === null) return null;
  const parts = match.slice(1, 5).map(Number);
  const bits = match[5] === undefined ? 32 : Number(match[5]);
  const size = 2 ** (32 - bits);
  if (bits > 32 || size > most || parts.some((part) => part > 255)) return null;
  const first = parts.reduce((sum, part) => sum * 256 + part, 0);
  const start = first - (first % size);
  return Array.from({ length: size }, (_, i) => dotted(start + i));
}

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
