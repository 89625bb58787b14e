/** An event of a terminal's recording, as the API tells it: seconds since the session's start, asciicast's code, text. */
export type CastEvent = readonly [t: number, code: string, data: string];

export interface Size {
  cols: number;
  rows: number;
}

/** A stretch without any event (seconds since the session's start). */
export interface Gap {
  from: number;
  to: number;
}

/** A place in time that a recording itself names. */
export interface LogMark {
  t: number;
  kind: 'resize' | 'marker' | 'skipped';
  text: string;
}

/** Stretches shorter than this are never idle (s). */
export const LEAST_IDLE = 2;
/** Bounds of a terminal's size; what a recording says beyond them is cut. */
const MOST_COLS = 500;
const MOST_ROWS = 300;
/** Marks that a recording may set, so that a target cannot fill the page with them. */
const MOST_MARKS = 2_000;

/**
 * The events of one channel, growing at its end.
 *
 * INVARIANT: times never fall.
 */
export class EventLog {
  private readonly times: number[] = [];
  private readonly codes: string[] = [];
  private readonly texts: string[] = [];
  /** The size at the beginning. */
  initial: Size = { cols: 80, rows: 24 };
  /** Whether everything that was there when it was opened has come. */
  caughtUp = false;
  /** Whether nothing more will come. */
  complete = false;
  /** Characters of text held. */
  characters = 0;
  readonly gaps: Gap[] = [];
  readonly marks: LogMark[] = [];

  get length(): number {
    return this.times.length;
  }

  /** The first event's time; 0 where there is none. */
  get begin(): number {
    return this.times[0] ?? 0;
  }

  /** The last event's time; 0 where there is none. */
  get end(): number {
    return this.times[this.times.length - 1] ?? 0;
  }

  time(index: number): number {
    return this.times[index] ?? Infinity;
  }

  code(index: number): string {
    return this.codes[index] ?? '';
  }

  text(index: number): string {
    return this.texts[index] ?? '';
  }

  append(events: readonly CastEvent[]): void {
    for (const [t, code, text] of events) {
      if (typeof t !== 'number' || !Number.isFinite(t) || typeof text !== 'string') continue;
      const last = this.end;
      const at = Math.max(t, last);
      if (this.length > 0 && at - last >= LEAST_IDLE) this.gaps.push({ from: last, to: at });
      this.times.push(at);
      this.codes.push(code);
      this.texts.push(text);
      this.characters += text.length;
      if (code === 'r' && this.length > 1) this.mark({ t: at, kind: 'resize', text: `resized to ${text}` });
      else if (code === 'm') this.mark({ t: at, kind: 'marker', text: text || 'marker' });
    }
  }

  mark(mark: LogMark): void {
    if (this.marks.length < MOST_MARKS) this.marks.push(mark);
  }

  /** The index of the first event after `t`, which is also how many there are up to it. */
  after(t: number): number {
    let low = 0;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.times[middle] ?? Infinity) <= t) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** What was typed up to `t`, the newest last, at most `most` events. */
  typedUntil(t: number, most: number): CastEvent[] {
    const found: CastEvent[] = [];
    for (let index = this.after(t) - 1; index >= 0 && found.length < most; index--) {
      if (this.code(index) === 'i') found.push([this.time(index), 'i', this.text(index)]);
    }
    return found.reverse();
  }

  /** How long it all lasts when stretches longer than `most` are left out (s). */
  withoutIdle(most: number): number {
    let length = this.end - this.begin;
    for (const { from, to } of this.gaps) if (to - from > most) length -= to - from;
    return Math.max(0, length);
  }
}

/** `80x24`; null where it says anything else. */
export function parseSize(text: string): Size | null {
  const found = /^(\d{1,5})x(\d{1,5})$/.exec(text);
  return found === null ? null : boundedSize(Number(found[1]), Number(found[2]));
}

export function boundedSize(cols: number, rows: number): Size | null {
  if (!Number.isInteger(cols) || !Number.isInteger(rows) || cols < 1 || rows < 1) return null;
  return { cols: Math.max(2, Math.min(cols, MOST_COLS)), rows: Math.min(rows, MOST_ROWS) };
}

/** The size in a cast's header, of asciicast's second or third version. */
export function headerSize(header: unknown): Size | null {
  if (typeof header !== 'object' || header === null) return null;
  const { width, height, term } = header as { width?: unknown; height?: unknown; term?: { cols?: unknown; rows?: unknown } };
  return boundedSize(Number(width ?? term?.cols), Number(height ?? term?.rows));
}
