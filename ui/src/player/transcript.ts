/** A line of a transcript. Times are seconds since the session's start. */
export interface Line {
  /** When it was seen first as it is; never before that of the line above. */
  t: number;
  /** When it had left the screen, or the session was over. */
  complete?: number;
  text: string;
}

/** The index of the last line up to `t`; -1 before the first. Lines are in order. */
export function lineAt(lines: readonly Line[], t: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((lines[middle]?.t ?? Infinity) <= t) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The indexes of the lines that hold all of it, whatever the case. */
export function findLines(lines: readonly Line[], words: string): number[] {
  const wanted = words.trim().toLowerCase();
  if (wanted === '') return [];
  const found: number[] = [];
  lines.forEach((line, index) => {
    if (line.text.toLowerCase().includes(wanted)) found.push(index);
  });
  return found;
}

/** The next hit after a line, or before it, going round at the ends; null where there is none. */
export function nextHit(hits: readonly number[], from: number, direction: 1 | -1): number | null {
  if (hits.length === 0) return null;
  if (direction > 0) return hits.find((hit) => hit > from) ?? hits[0] ?? null;
  return hits.findLast((hit) => hit < from) ?? hits[hits.length - 1] ?? null;
}

/** A piece of a text, and whether it is one of the words that were looked for. */
export interface Piece {
  text: string;
  hit: boolean;
}

/** Cuts a text where words begin and end, whatever the case. Joined again, the pieces are the text. */
export function highlight(text: string, words: readonly string[]): Piece[] {
  const wanted = words.filter((word) => word !== '').map(escaped);
  if (wanted.length === 0) return text === '' ? [] : [{ text, hit: false }];
  // Longer words first, so that `sudo` is not cut by `su`.
  const pattern = new RegExp(`(${wanted.sort((a, b) => b.length - a.length).join('|')})`, 'giu');
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > at) pieces.push({ text: text.slice(at, match.index), hit: false });
    pieces.push({ text: match[0], hit: true });
    at = match.index + match[0].length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), hit: false });
  return pieces;
}

/** The words of a query: what stands in quotes is one, and operators are none. */
export function queryWords(query: string): string[] {
  const found: string[] = [];
  for (const match of query.matchAll(/"([^"]*)"|(\S+)/g)) {
    const word = (match[1] ?? match[2] ?? '').replace(/^[-+(]+|[)*]+$/g, '').trim();
    if (word !== '' && !/^(AND|OR|NOT)$/.test(word) && !match[0].startsWith('-')) found.push(word);
  }
  return [...new Set(found)];
}

function escaped(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
