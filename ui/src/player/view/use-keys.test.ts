import { expect, test } from 'vitest';
import { Engine } from '../engine';
import { Keyframes } from '../keyframes';
import { EventLog } from '../log';
import { pressed, type KeyTargets } from './use-keys';

function targets() {
  const log = new EventLog();
  log.append([[0, 'o', 'a'], [100, 'o', 'b'], [200, 'o', 'c']]);
  log.caughtUp = log.complete = true;
  const engine = new Engine(log, { reset: () => undefined, resize: () => undefined, write: (_, done) => done() }, new Keyframes());
  engine.grown();
  const done: string[] = [];
  const all: KeyTargets = {
    engine,
    toggleFull: () => done.push('full'),
    leaveFull: () => done.push('leave'),
    toggleTyped: () => done.push('typed'),
    toggleTranscript: () => done.push('transcript'),
    setSpeed: (speed) => done.push(String(speed)),
  };
  return { engine, done, press: (key: string, shift = false) => pressed(key, shift, all), at: () => engine.snapshot().position };
}

test('keys go to and fro', () => {
  const { press, at, engine } = targets();
  press('ArrowRight', true);
  expect(at()).toBe(60);
  press('ArrowLeft');
  expect(at()).toBe(55);
  press('.');
  expect(at()).toBe(100);
  press(',');
  expect(at()).toBe(0);
  press('End');
  expect(at()).toBe(200);
  press(' ');
  expect(engine.snapshot().playing).toBe(true);
});

test('keys change how it is seen, and others are left alone', () => {
  const { press, done } = targets();
  for (const key of [']', ']', '[', 'f', 'i', 't', 'Escape']) expect(press(key)).toBe(true);
  expect(done).toEqual(['1.5', '2', '1.5', 'full', 'typed', 'transcript', 'leave']);
  for (const key of ['a', 'Enter', 'Tab', 'constructor']) expect(press(key)).toBe(false);
});
