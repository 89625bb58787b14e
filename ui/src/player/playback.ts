import { Engine } from './engine';
import { KeyframeMaker, Keyframes } from './keyframes';
import { EventLog } from './log';
import { Source, type SourceState, type Wire } from './source';
import { XtermScreen } from './terminal';

/** How a playback begins. */
export interface Beginning {
  /** Seconds since the session's start; null: at the end of a session that runs, at the beginning of one that is over. */
  t: number | null;
  running: boolean;
  /** How long the session has lasted (s). */
  lasted: () => number;
}

/** What is loaded, for whoever shows it. A new object whenever something changed. */
export interface Loaded {
  source: SourceState;
  /** The last event that is there (s). */
  until: number;
  marks: number;
  gaps: number;
  ended: string | null;
}

/** How often the end of a running session is looked at while nothing is played (ms). */
const SELDOM = 500;

/** One channel being played: its log, screen and engine, and the source that fills it. */
export class Playback {
  readonly log = new EventLog();
  readonly screen = new XtermScreen();
  readonly engine: Engine;
  private loaded: Loaded = { source: { kind: 'loading' }, until: 0, marks: 0, gaps: 0, ended: null };
  private readonly watchers = new Set<() => void>();
  private readonly source: Source;
  private readonly unseen = new XtermScreen();
  private readonly maker: KeyframeMaker;
  private frame = 0;
  private pause: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;

  constructor(wire: Wire, beginning: Beginning) {
    const frames = new Keyframes();
    this.engine = new Engine(this.log, this.screen, frames);
    this.maker = new KeyframeMaker(this.log, frames, this.unseen, whenIdle);
    this.source = new Source(this.log, wire, {
      grown: () => {
        this.engine.grown();
        this.maker.poke();
        this.tell({});
      },
      state: (source) => this.tell({ source }),
      ended: (reason) => {
        this.engine.ended();
        this.tell({ ended: reason ?? this.loaded.ended });
      },
    });
    if (beginning.running) this.engine.run(beginning.lasted);
    if (beginning.t !== null) this.engine.startAt(beginning.t);
    else if (beginning.running) this.engine.goLive();
  }

  start(): void {
    void this.source.run();
    this.engine.subscribe(() => this.schedule());
    this.schedule();
  }

  stop(): void {
    this.stopped = true;
    cancelAnimationFrame(this.frame);
    clearTimeout(this.pause);
    this.source.stop();
    this.maker.stop();
    this.screen.dispose();
    this.unseen.dispose();
  }

  /** Time passes with each frame while something moves, now and then while only the session's end does, and else not. */
  private schedule(): void {
    if (this.stopped) return;
    const { playing, running } = this.engine.snapshot();
    if (playing && this.frame === 0) {
      clearTimeout(this.pause);
      this.pause = undefined;
      this.frame = requestAnimationFrame((now) => {
        this.frame = 0;
        this.engine.tick(now);
        this.schedule();
      });
    } else if (!playing && running && this.pause === undefined) {
      this.pause = setTimeout(() => {
        this.pause = undefined;
        this.engine.tick(performance.now());
        this.schedule();
      }, SELDOM);
    }
  }

  readonly snapshot = (): Loaded => this.loaded;

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  private tell(changes: Partial<Loaded>): void {
    this.loaded = { ...this.loaded, ...changes, until: this.log.end, marks: this.log.marks.length, gaps: this.log.gaps.length };
    for (const watcher of this.watchers) watcher();
  }
}

/** Safari has no idle callbacks. */
function whenIdle(run: () => void): void {
  if (typeof requestIdleCallback === 'function') requestIdleCallback(run, { timeout: 200 });
  else setTimeout(run, 10);
}
