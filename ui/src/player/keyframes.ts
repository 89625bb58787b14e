import { parseSize, type EventLog, type Size } from './log';
import type { Describable } from './screen';

/** What the screen shows after the first `index` events. */
export interface Keyframe extends Size {
  index: number;
  text: string;
}

/** Output between two keyframes (characters). */
const APART = 256 * 1024;
/** Output drawn before others get a turn (characters). */
const PIECE = 32 * 1024;

/** Keyframes of one log, by their place. */
export class Keyframes {
  private readonly all: Keyframe[] = [];

  get count(): number {
    return this.all.length;
  }

  add(frame: Keyframe): void {
    if (frame.index > (this.all[this.all.length - 1]?.index ?? -1)) this.all.push(frame);
  }

  /** The last one at or before this number of events. */
  before(index: number): Keyframe | undefined {
    let low = 0;
    let high = this.all.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.all[middle]?.index ?? Infinity) <= index) low = middle + 1;
      else high = middle;
    }
    return this.all[low - 1];
  }
}

/** Draws a log on a screen that nobody sees, in idle time, and keeps a keyframe every now and then. */
export class KeyframeMaker {
  private cursor = 0;
  private since = 0;
  private size: Size | null = null;
  private busy = false;
  private stopped = false;

  constructor(
    private readonly log: EventLog,
    private readonly frames: Keyframes,
    private readonly screen: Describable,
    private readonly whenIdle: (run: () => void) => void,
  ) {}

  /** There may be more to draw. */
  poke(): void {
    if (this.busy || this.stopped || this.cursor >= this.log.length) return;
    this.busy = true;
    this.whenIdle(() => this.turn());
  }

  stop(): void {
    this.stopped = true;
  }

  private turn(): void {
    if (this.stopped) return;
    if (this.size === null) this.resize(this.log.initial, true);
    const text = this.take();
    this.screen.write(text, () => {
      this.keep(text.length);
      this.busy = false;
      this.poke();
    });
  }

  /** The next output, up to a resize. Nothing waits to be drawn here, so a resize can be done at once. */
  private take(): string {
    const parts: string[] = [];
    let length = 0;
    while (this.cursor < this.log.length && length < PIECE) {
      const code = this.log.code(this.cursor);
      const text = this.log.text(this.cursor);
      if (code === 'r') {
        if (length > 0) break;
        const size = parseSize(text);
        if (size !== null) this.resize(size, false);
      } else if (code === 'o') {
        parts.push(text);
        length += text.length;
      }
      this.cursor++;
    }
    return parts.join('');
  }

  private resize(size: Size, empty: boolean): void {
    if (empty) this.screen.reset(size.cols, size.rows);
    else this.screen.resize(size.cols, size.rows);
    this.size = size;
  }

  private keep(length: number): void {
    if (this.stopped) return;
    this.since += length;
    if (this.since < APART || this.size === null) return;
    this.since = 0;
    this.frames.add({ index: this.cursor, ...this.size, text: this.screen.describe() });
  }
}
