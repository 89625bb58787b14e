import type { Keyframes } from './keyframes';
import { parseSize, type EventLog, type Size } from './log';
import type { Screen } from './screen';

export const SPEEDS = [0.5, 1, 1.5, 2, 4, 8, 16] as const;

/** What whoever looks at the player needs to know. A new object whenever something in it changed. */
export interface PlayerState extends Size {
  /** Seconds since the session's start, as all times here. */
  position: number;
  begin: number;
  end: number;
  playing: boolean;
  /** Follows the end of a session that runs. */
  live: boolean;
  running: boolean;
  speed: number;
  /** Longer stretches without an event are passed over (s); null: none is. */
  maxIdle: number | null;
  /** The screen does not show the position yet. */
  busy: boolean;
  /** How long the stretch is that is being passed over (s). */
  skipping: number | null;
}

/** Output given to the screen and not drawn yet, at most (characters): a jump waits for it. */
const AHEAD = 256 * 1024;
const PIECE = 64 * 1024;
/** What remains of a stretch that is passed over, as whoever looks feels it (s). */
const BLINK = 0.4;
/** A longer time between two ticks is a page that slept, not time that passed (s). */
const MOST_TICK = 0.25;
/** Nearer to the end of a running session than this is live (s). */
const NEAR = 0.3;

/**
 * Plays a log on a screen: one engine for what was and what is. Knows no DOM and no clock; `tick` brings the time.
 *
 * INVARIANT: the screen shows, or has been given, exactly the events before `cursor`.
 */
export class Engine {
  private state: PlayerState;
  private readonly watchers = new Set<() => void>();
  private cursor = 0;
  private waiting = 0;
  private advancing = false;
  /** The screen must be drawn anew from a keyframe. */
  private anew = true;
  private lastTick: number | null = null;
  /** How long the session has lasted, while it runs. */
  private sessionClock: () => number = () => 0;
  private expectedEnd = 0;

  constructor(
    readonly log: EventLog,
    private readonly screen: Screen,
    private readonly frames: Keyframes,
  ) {
    this.state = {
      ...log.initial, position: 0, begin: 0, end: 0, playing: false, live: false, running: false, speed: 1, maxIdle: null, busy: false, skipping: null,
    };
  }

  readonly snapshot = (): PlayerState => this.state;

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** The session runs; `clock` tells how long it has lasted (s). */
  run(clock: () => number): void {
    this.sessionClock = clock;
    this.change({ running: true });
  }

  /** The session has ended; the last of its events may still be on their way. */
  ended(): void {
    this.change({ running: false });
    this.settle();
  }

  /** Where the recording begins and ends, as far as it is known before it is there. */
  expect(begin: number, end: number): void {
    this.expectedEnd = end;
    if (this.log.length === 0) this.change({ begin, position: Math.max(this.state.position, begin) });
    else this.change({});
  }

  /** Where to begin, before anything is there. */
  startAt(t: number): void {
    this.change({ position: t });
  }

  /** The log has grown, or is complete. */
  grown(): void {
    const { position, begin } = this.state;
    const first = this.log.length > 0 ? this.log.begin : begin;
    const most = this.log.complete ? this.log.end : Infinity;
    this.change({ begin: first, position: Math.max(first, Math.min(position, most)), ...(this.anew && this.cursor === 0 ? this.log.initial : {}) });
    this.advance();
    this.settle();
  }

  play(): void {
    const { running, position, begin } = this.state;
    const over = !running && this.log.complete && position >= this.end() && this.end() > begin;
    if (over) this.seek(begin);
    this.lastTick = null;
    this.change({ playing: true });
  }

  pause(): void {
    this.change({ playing: false, live: false, skipping: null });
  }

  toggle(): void {
    if (this.state.playing || this.state.live) this.pause();
    else this.play();
  }

  /** Goes to a time; plays on from there if it was playing. */
  seek(t: number): void {
    const position = Math.max(this.state.begin, Math.min(t, this.end()));
    this.change({ position, live: false, skipping: null });
    this.aim();
  }

  /** One event to or fro; stays there. */
  step(direction: 1 | -1): void {
    this.pause();
    const { position } = this.state;
    if (direction > 0) {
      const next = this.log.time(this.log.after(position));
      if (next !== Infinity) this.seek(next);
      return;
    }
    const here = this.log.after(position) - 1;
    const now = this.log.time(here);
    // Events of one instant are one step.
    let before = here;
    while (before >= 0 && this.log.time(before) === now) before--;
    this.seek(before < 0 ? this.state.begin : this.log.time(before));
  }

  setSpeed(speed: number): void {
    this.change({ speed });
  }

  /** The next slower or faster one. */
  shiftSpeed(direction: 1 | -1): void {
    const at = SPEEDS.findIndex((speed) => speed >= this.state.speed);
    this.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at + direction))] ?? 1);
  }

  setMaxIdle(maxIdle: number | null): void {
    this.change({ maxIdle, skipping: null });
  }

  /** Follows the end, if the session runs. */
  goLive(): void {
    if (!this.state.running) return;
    this.lastTick = null;
    this.change({ live: true, playing: true, skipping: null, position: this.end() });
    this.aim();
  }

  /** Time has passed; `now` in milliseconds of any clock that never falls. */
  tick(now: number): void {
    const passed = this.lastTick === null ? 0 : Math.min((now - this.lastTick) / 1000, MOST_TICK);
    this.lastTick = now;
    const { live, playing, running, position } = this.state;
    if (live) this.change({ position: this.end() });
    // The clock waits for the screen, and for what is not loaded.
    else if (playing && !this.behind()) this.move(passed);
    else if (running && position <= this.end()) this.change({});
  }

  private move(passed: number): void {
    const { position, speed, maxIdle, begin } = this.state;
    const to = position + passed * speed;
    const since = this.cursor > 0 ? this.log.time(this.cursor - 1) : begin;
    const next = this.log.time(this.cursor);
    const idle = maxIdle !== null && next - since > maxIdle;
    const over = idle && to - since > BLINK * speed;
    if (next === Infinity) return this.moveBehindAll(to, over);
    this.change({ position: over ? Math.max(to, next) : to, skipping: idle && !over ? next - since : null });
    this.advance();
  }

  /** What was followed to its end stands still there. */
  private settle(): void {
    const { live, running } = this.state;
    if (live && !running && this.log.complete) this.change({ live: false, playing: false, position: this.log.end });
  }

  /** Nothing comes after the position, for now or for good. */
  private moveBehindAll(to: number, over: boolean): void {
    const { running, position } = this.state;
    if (this.log.complete) {
      const finished = to >= this.log.end;
      return this.change({ position: finished ? this.log.end : to, playing: !finished, skipping: null });
    }
    if (running && this.log.caughtUp && (over || to >= this.end() - NEAR)) return this.goLive();
    this.change({ position: this.log.caughtUp ? to : Math.min(to, Math.max(position, this.log.end)), skipping: null });
  }

  private end(): number {
    if (this.state.running) return Math.max(this.log.end, this.sessionClock());
    return this.log.complete ? this.log.end : Math.max(this.log.end, this.expectedEnd);
  }

  /** How many events the screen should have been given. */
  private wanted(): number {
    return this.state.live ? this.log.length : this.log.after(this.state.position);
  }

  private behind(): boolean {
    if (this.anew || this.cursor < this.wanted()) return true;
    return !this.state.live && !this.log.caughtUp && !this.log.complete && this.state.position > this.log.end;
  }

  /** Brings the screen to the position by the shortest way. */
  private aim(): void {
    const wanted = this.wanted();
    const frame = this.frames.before(wanted);
    if (wanted < this.cursor || (frame !== undefined && frame.index > this.cursor)) this.anew = true;
    this.advance();
  }

  /** Gives the screen what it may have now. Called again whenever it has drawn something. */
  private advance(): void {
    if (this.advancing) return;
    this.advancing = true;
    if (this.anew && this.waiting === 0 && this.log.length > 0) this.restart();
    while (!this.anew && this.cursor < this.wanted() && this.waiting < AHEAD) {
      if (this.log.code(this.cursor) !== 'r') this.write();
      // A size counts for what comes after it: all before must be drawn.
      else if (this.waiting === 0) this.resize();
      else break;
    }
    this.advancing = false;
    this.change({});
  }

  private restart(): void {
    const frame = this.frames.before(this.wanted());
    const size = frame ?? this.log.initial;
    this.anew = false;
    this.cursor = frame?.index ?? 0;
    this.screen.reset(size.cols, size.rows);
    this.change({ cols: size.cols, rows: size.rows });
    if (frame !== undefined) this.give(frame.text);
  }

  private resize(): void {
    const size = parseSize(this.log.text(this.cursor));
    this.cursor++;
    if (size === null) return;
    this.screen.resize(size.cols, size.rows);
    this.change(size);
  }

  private write(): void {
    const until = this.wanted();
    const parts: string[] = [];
    let length = 0;
    while (this.cursor < until && length < PIECE && this.log.code(this.cursor) !== 'r') {
      if (this.log.code(this.cursor) === 'o') {
        const text = this.log.text(this.cursor);
        parts.push(text);
        length += text.length;
      }
      this.cursor++;
    }
    if (length > 0) this.give(parts.join(''));
  }

  private give(text: string): void {
    this.waiting += text.length;
    this.screen.write(text, () => {
      this.waiting -= text.length;
      this.advance();
    });
  }

  private change(changes: Partial<PlayerState>): void {
    const next = { ...this.state, ...changes };
    const before = this.state;
    this.state = next;
    next.end = Math.max(this.end(), next.begin);
    next.busy = this.behind() || (this.waiting > 0 && !next.live && !next.playing);
    const keys = Object.keys(next) as (keyof PlayerState)[];
    if (keys.every((key) => next[key] === before[key])) {
      this.state = before;
      return;
    }
    for (const watcher of this.watchers) watcher();
  }
}
