import { headerSize, type CastEvent, type EventLog } from './log';

/** What a page of `GET /sessions/{id}/live` holds. */
export interface LivePage {
  channel: number;
  header: unknown;
  events: CastEvent[];
  next: number | null;
  ended: boolean;
}

/** A frame of the WebSocket. */
export interface LiveFrame {
  channel?: number;
  header?: unknown;
  events?: CastEvent[];
  skipped?: number;
  ended?: boolean;
  reason?: string | null;
}

/** How events are fetched; so that what follows can be tested without a server. */
export interface Wire {
  page: (after: number | null) => Promise<LivePage>;
  /** Opens the push. `closed` is called once, with the reason for which the server refuses to go on, if it does. */
  push: (told: { opened: () => void; frame: (frame: LiveFrame) => void; closed: (refusal: string | null) => void }) => () => void;
  wait: (milliseconds: number) => Promise<void>;
  /** Whether trying again is of no use. */
  final: (error: unknown) => boolean;
}

export type SourceState =
  | { kind: 'loading' }
  /** Pushed as it happens, or asked for again and again. */
  | { kind: 'live'; way: 'pushed' | 'polled' }
  | { kind: 'lost'; error: unknown }
  | { kind: 'complete' }
  /** More than the page may hold; the rest is not loaded. */
  | { kind: 'cut' }
  | { kind: 'failed'; error: unknown };

export interface Told {
  grown: () => void;
  state: (state: SourceState) => void;
  /** The session has ended; the word for why, if the server said it. */
  ended: (reason: string | null) => void;
}

/** What is held, at most: characters of text, and events. */
const MOST_CHARACTERS = 300_000_000;
const MOST_EVENTS = 3_000_000;
/** A page with less than this is the end of what there is (characters). */
const FULL = 64 * 1024;
/** Of an instant so close to now the pages hold back what may still come; only after it can they be joined with what is pushed (ms). */
const SETTLED = 400;
const POLL = 1_000;
const PUSH_AGAIN = 10_000;
const RETRY_FIRST = 500;
const RETRY_MOST = 10_000;

/** Fills a log: page by page until it has caught up, then pushed while the session runs. */
export class Source {
  private next: number | null = null;
  private stopped = false;
  private over = false;
  private closePush: () => void = () => undefined;

  constructor(
    private readonly log: EventLog,
    private readonly wire: Wire,
    private readonly told: Told,
    private readonly most = MOST_CHARACTERS,
  ) {}

  async run(): Promise<void> {
    this.told.state({ kind: 'loading' });
    try {
      await this.catchUp();
      while (!this.done()) await this.follow();
    } catch (error) {
      if (!this.stopped) this.told.state({ kind: 'failed', error });
      this.stop();
    }
  }

  stop(): void {
    this.stopped = true;
    this.closePush();
  }

  private done(): boolean {
    return this.stopped || this.log.complete;
  }

  /** Reads pages until there is no more for now. */
  private async catchUp(): Promise<void> {
    while (!this.done()) {
      const page = await this.page();
      if (page === null) return;
      this.header(page.header);
      const had = this.log.characters;
      this.add(page.events);
      this.next = page.next ?? this.next;
      if (page.ended) this.finish();
      else if (this.isFull()) this.cut();
      else if (this.log.characters - had < FULL) this.log.caughtUp = true;
      this.told.grown();
      if (this.log.characters - had < FULL) return;
    }
  }

  private async page(): Promise<LivePage | null> {
    for (let pause = RETRY_FIRST; !this.stopped; pause = Math.min(pause * 2, RETRY_MOST)) {
      try {
        const page = await this.wire.page(this.next);
        return this.stopped ? null : page;
      } catch (error) {
        if (this.stopped) return null;
        if (this.wire.final(error)) throw error;
        this.told.state({ kind: 'lost', error });
        await this.wire.wait(pause);
      }
    }
    return null;
  }

  /** What is pushed, until the push ends; then pages for a while. */
  private async follow(): Promise<void> {
    if (!this.over) await this.pushed();
    const until = this.over ? 1 : PUSH_AGAIN / POLL;
    for (let turn = 0; turn < until && !this.done(); turn++) {
      await this.catchUp();
      if (this.done()) return;
      this.told.state({ kind: 'live', way: 'polled' });
      await this.wire.wait(POLL);
    }
  }

  private pushed(): Promise<void> {
    return new Promise((resolve, reject) => {
      let early: LiveFrame[] | null = [];
      const join = async () => {
        // The push begins when it begins: what came before it and after the last page is asked for, then both are joined.
        await this.wire.wait(SETTLED);
        await this.catchUp();
        const frames = early ?? [];
        early = null;
        for (const frame of frames) this.take(frame, this.next);
        if (!this.done()) this.told.state({ kind: 'live', way: 'pushed' });
      };
      this.closePush = this.wire.push({
        opened: () => void join().catch(reject),
        frame: (frame) => {
          if (early !== null) early.push(frame);
          else this.take(frame, null);
        },
        closed: (refusal) => {
          for (const frame of early ?? []) if (frame.ended === true) this.take(frame, null);
          early = [];
          if (refusal !== null) reject(new Error(refusal));
          else resolve();
        },
      });
    });
  }

  /** `joined`: events up to it are there already. */
  private take(frame: LiveFrame, joined: number | null): void {
    if (this.done()) return;
    if (frame.header !== undefined) this.header(frame.header);
    if (frame.events !== undefined) {
      const fresh = joined === null ? frame.events : frame.events.filter(([t]) => t > joined);
      this.add(fresh);
      this.next = this.log.length > 0 ? this.log.end : this.next;
      if (this.isFull()) this.cut();
    }
    if (frame.skipped !== undefined) {
      this.log.mark({ t: this.log.end, kind: 'skipped', text: `${frame.skipped} bytes came too fast and are not shown` });
    }
    if (frame.ended === true) {
      this.over = true;
      this.told.ended(frame.reason ?? null);
    }
    this.told.grown();
  }

  private add(events: readonly CastEvent[]): void {
    this.log.append(events);
  }

  private header(header: unknown): void {
    const size = headerSize(header);
    if (size !== null && this.log.length === 0) this.log.initial = size;
  }

  private finish(): void {
    this.log.caughtUp = true;
    this.log.complete = true;
    this.told.ended(null);
    this.told.state({ kind: 'complete' });
  }

  private isFull(): boolean {
    return this.log.characters > this.most || this.log.length > MOST_EVENTS;
  }

  /** A page of a browser must not be filled by a target that floods. */
  private cut(): void {
    this.log.caughtUp = true;
    this.log.complete = true;
    this.closePush();
    this.told.ended(null);
    this.told.state({ kind: 'cut' });
  }
}
