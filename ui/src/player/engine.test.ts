import { describe, expect, test } from 'vitest';
import { Engine } from './engine';
import { KeyframeMaker, Keyframes } from './keyframes';
import { EventLog, type CastEvent } from './log';
import type { Describable } from './screen';

/** A screen that shows what was written since it was emptied; drawing takes until `draw`, if told so. */
class Paper implements Describable {
  text = '';
  size = '';
  resets = 0;
  most = 0;
  private waiting: [string, () => void][] = [];
  constructor(private readonly slow = false) {}
  reset(cols: number, rows: number): void {
    if (this.waiting.length > 0) throw new Error('emptied while something waits');
    this.text = '';
    this.resets++;
    this.size = `${cols}x${rows}`;
  }
  resize(cols: number, rows: number): void {
    if (this.waiting.length > 0) throw new Error('resized while something waits');
    this.size = `${cols}x${rows}`;
  }
  write(text: string, done: () => void): void {
    this.waiting.push([text, done]);
    this.most = Math.max(this.most, this.waiting.reduce((sum, [waits]) => sum + waits.length, 0));
    if (!this.slow) this.draw();
  }
  draw(): boolean {
    const next = this.waiting.shift();
    if (next === undefined) return false;
    this.text += next[0];
    next[1]();
    return true;
  }
  describe(): string {
    return this.text;
  }
}

function player(events: CastEvent[], options: { slow?: boolean; complete?: boolean } = {}) {
  const log = new EventLog();
  const frames = new Keyframes();
  const paper = new Paper(options.slow);
  const engine = new Engine(log, paper, frames);
  log.append(events);
  log.caughtUp = true;
  log.complete = options.complete ?? true;
  engine.grown();
  let now = 0;
  const pass = (seconds: number) => {
    for (let left = seconds; left > 1e-9; left -= 0.05) engine.tick((now += Math.min(left, 0.05) * 1000));
  };
  engine.tick(now);
  return { log, frames, paper, engine, pass, at: () => engine.snapshot() };
}

const letters: CastEvent[] = [[1, 'o', 'a'], [2, 'o', 'b'], [2, 'i', 'x'], [3, 'o', 'c'], [10, 'o', 'd']];

describe('playing', () => {
  test('shows what was there at the position, and goes on with time and speed', () => {
    const { engine, paper, pass, at } = player(letters);
    expect(at()).toMatchObject({ position: 1, begin: 1, end: 10 });
    expect(paper.text).toBe('a');
    engine.play();
    pass(1.2);
    expect(paper.text).toBe('ab');
    engine.setSpeed(4);
    pass(0.5);
    expect(at().position).toBeCloseTo(4, 0);
    expect(paper.text).toBe('abc');
    engine.pause();
    pass(5);
    expect(paper.text).toBe('abc');
  });

  test('stops at the end, and begins anew from there', () => {
    const { engine, paper, pass, at } = player(letters);
    engine.setSpeed(16);
    engine.play();
    pass(2);
    expect(at()).toMatchObject({ playing: false, position: 10 });
    expect(paper.text).toBe('abcd');
    engine.play();
    expect(at()).toMatchObject({ playing: true, position: 1 });
    expect(paper.text).toBe('a');
  });

  test('a page that slept does not jump', () => {
    const { engine, at } = player(letters);
    engine.play();
    engine.tick(100);
    engine.tick(1_000_000);
    expect(at().position).toBeLessThan(2);
  });

  test('long silence is passed over in a blink, and told', () => {
    const { engine, paper, pass, at, log } = player([[0, 'o', 'a'], [600, 'o', 'b'], [601, 'o', 'c']]);
    expect(log.gaps).toEqual([{ from: 0, to: 600 }]);
    expect(log.withoutIdle(5)).toBe(1);
    engine.setMaxIdle(5);
    engine.play();
    pass(0.2);
    expect(at().skipping).toBe(600);
    pass(0.4);
    expect(paper.text).toBe('ab');
    expect(at().position).toBeGreaterThanOrEqual(600);
    pass(1.2);
    expect(paper.text).toBe('abc');
  });

  test('speeds go up and down within their bounds', () => {
    const { engine, at } = player(letters);
    for (let i = 0; i < 20; i++) engine.shiftSpeed(1);
    expect(at().speed).toBe(16);
    for (let i = 0; i < 20; i++) engine.shiftSpeed(-1);
    expect(at().speed).toBe(0.5);
  });
});

describe('going to a time', () => {
  test('to and fro, within the bounds', () => {
    const { engine, paper, at } = player(letters);
    engine.seek(3);
    expect(paper.text).toBe('abc');
    engine.seek(1.5);
    expect(paper.text).toBe('a');
    engine.seek(99);
    expect(at().position).toBe(10);
    engine.seek(-5);
    expect(at().position).toBe(1);
  });

  test('event by event; those of one instant are one step', () => {
    const { engine, paper, at } = player(letters);
    engine.step(1);
    expect(at().position).toBe(2);
    engine.step(1);
    expect([at().position, paper.text]).toEqual([3, 'abc']);
    engine.step(-1);
    expect([at().position, paper.text]).toEqual([2, 'ab']);
    engine.step(-1);
    engine.step(-1);
    expect(at().position).toBe(1);
  });

  test('a place that is not loaded yet is waited for', () => {
    const { engine, paper, log, at } = player([[1, 'o', 'a']], { complete: false });
    log.caughtUp = false;
    engine.startAt(5);
    engine.expect(1, 10);
    expect(at()).toMatchObject({ position: 5, busy: true, end: 10 });
    log.append([[4, 'o', 'b'], [6, 'o', 'c']]);
    engine.grown();
    expect(paper.text).toBe('ab');
    expect(at().busy).toBe(false);
  });

  test('a place behind the end is the end, once that is known', () => {
    const { engine, log, at, paper } = player([[1, 'o', 'a']], { complete: false });
    engine.startAt(500);
    log.append([[2, 'o', 'b']]);
    log.complete = true;
    engine.grown();
    expect([at().position, paper.text]).toEqual([2, 'ab']);
  });

  test('begins at the nearest keyframe, and shows the same', () => {
    const events: CastEvent[] = Array.from({ length: 3_000 }, (_, i) => [i, 'o', `${i} `.padEnd(1_000, '.')]);
    const { engine, paper, frames, log } = player(events);
    new KeyframeMaker(log, frames, new Paper(), (run) => run()).poke();
    expect(frames.count).toBeGreaterThan(8);
    const upTo = (t: number) => events.slice(0, t + 1).map(([, , text]) => text).join('');
    for (const t of [2_900, 17, 1_500, 1_501, 0, 2_999]) {
      engine.seek(t);
      expect(paper.text === upTo(t), `at ${t}`).toBe(true);
    }
    expect(frames.before(0)).toBeUndefined();
    expect(frames.before(1_000)?.index).toBeLessThanOrEqual(1_000);
  });
});

describe('a screen that is slow', () => {
  test('is never given much ahead, and the clock waits for it', () => {
    const events: CastEvent[] = Array.from({ length: 400 }, (_, i) => [i / 100, 'o', 'x'.repeat(10_000)]);
    const { engine, paper, pass, at } = player(events, { slow: true });
    engine.setSpeed(16);
    engine.play();
    pass(2);
    expect(at().position).toBeLessThan(4);
    expect(paper.most).toBeLessThan(1_000_000);
    while (paper.draw()) pass(0.05);
    expect(paper.text.length).toBe(4_000_000);
  });

  test('a resize waits for what is before it, and counts for what is after', () => {
    const { engine, paper, at } = player([[0, 'o', 'a'], [1, 'r', '100x30'], [1, 'o', 'b'], [2, 'r', '1e9x3'], [3, 'o', 'c']], { slow: true });
    engine.seek(3);
    expect(paper.size).toBe('80x24');
    while (paper.draw());
    expect([paper.size, paper.text, at().cols, at().rows]).toEqual(['100x30', 'abc', 100, 30]);
    engine.seek(0);
    while (paper.draw());
    expect([paper.size, paper.text]).toEqual(['80x24', 'a']);
  });

  test('the last of several jumps counts', () => {
    const { engine, paper } = player(letters, { slow: true });
    engine.seek(3);
    engine.seek(1);
    engine.seek(10);
    engine.seek(2);
    while (paper.draw());
    expect(paper.text).toBe('ab');
  });
});

describe('a session that runs', () => {
  const running = () => {
    const all = player([[0, 'o', 'a'], [1, 'o', 'b']], { complete: false });
    let clock = 5;
    all.engine.run(() => clock);
    return { ...all, later: (by: number) => (clock += by) };
  };

  test('is followed, left to the past, and come back to', () => {
    const { engine, log, paper, pass, at, later } = running();
    engine.goLive();
    expect(at()).toMatchObject({ live: true, position: 5 });
    log.append([[5.5, 'o', 'c']]);
    engine.grown();
    expect(paper.text).toBe('abc');
    later(2);
    pass(0.1);
    expect(at().position).toBe(7);
    engine.seek(0.5);
    expect(at()).toMatchObject({ live: false, playing: true });
    expect(paper.text).toBe('a');
    log.append([[7.5, 'o', 'd']]);
    engine.grown();
    expect(paper.text).toBe('a');
    engine.goLive();
    expect(paper.text).toBe('abcd');
  });

  test('playing up to the end becomes live', () => {
    const { engine, pass, at } = running();
    engine.setSpeed(16);
    engine.play();
    pass(1);
    expect(at().live).toBe(true);
  });

  test('stands still at its end', () => {
    const { engine, log, at, paper } = running();
    engine.goLive();
    engine.ended();
    log.append([[6, 'o', 'z']]);
    log.complete = true;
    engine.grown();
    expect(at()).toMatchObject({ live: false, playing: false, running: false, position: 6 });
    expect(paper.text).toBe('abz');
  });

  test('nothing that does not run is live', () => {
    const { engine, at } = player(letters);
    engine.goLive();
    expect(at().live).toBe(false);
  });
});

test('whoever looks is told of changes only', () => {
  const { engine, pass } = player(letters);
  let told = 0;
  engine.subscribe(() => told++);
  pass(1);
  expect(told).toBe(0);
  engine.seek(2);
  expect(told).toBeGreaterThan(0);
});
