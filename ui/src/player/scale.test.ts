import { expect, test } from 'vitest';
import { EventLog } from './log';
import { heatFrom, heatOf, Scale } from './scale';

test('without gaps time is even', () => {
  const scale = new Scale(10, 20, []);
  expect([scale.part(10), scale.part(15), scale.part(20), scale.part(0), scale.part(99)]).toEqual([0, 0.5, 1, 0, 1]);
  expect([scale.time(0), scale.time(0.25), scale.time(1)]).toEqual([10, 12.5, 20]);
});

test('what is passed over is narrow, and the rest has the room', () => {
  const scale = new Scale(0, 1000, [{ from: 10, to: 990 }]);
  expect(scale.part(10)).toBeCloseTo(0.494, 3);
  expect(scale.part(990)).toBeCloseTo(0.506, 3);
  expect(scale.gaps[0]?.width).toBeCloseTo(0.012, 5);
  expect(scale.part(500)).toBeCloseTo(0.5, 3);
});

test.each([
  ['none', []],
  ['one', [{ from: 3, to: 50 }]],
  ['many', Array.from({ length: 200 }, (_, i) => ({ from: i * 5 + 1, to: i * 5 + 5 }))],
  ['at the ends', [{ from: 0, to: 10 }, { from: 900, to: 1000 }]],
  ['all of it', [{ from: 0, to: 1000 }]],
  ['out of bounds', [{ from: -5, to: 3 }, { from: 990, to: 2000 }]],
])('times rise, and come back: %s', (_, gaps) => {
  const scale = new Scale(0, 1000, gaps);
  let before = -1;
  for (let t = 0; t <= 1000; t += 0.5) {
    const part = scale.part(t);
    expect(part).toBeGreaterThanOrEqual(before);
    expect(part).toBeLessThanOrEqual(1);
    expect(scale.time(part)).toBeCloseTo(t, 3);
    before = part;
  }
});

test('a recording of one instant has a scale', () => {
  const scale = new Scale(5, 5, []);
  expect(scale.part(5)).toBe(0);
  expect(scale.time(0.7)).toBe(5);
});

test('heat is counted from the events, or from what the server tells', () => {
  const log = new EventLog();
  log.append([[0, 'o', 'aa'], [0.5, 'i', 'zzz'], [5, 'o', 'b'], [10, 'o', 'cccc']]);
  const scale = new Scale(0, 10, []);
  expect(heatOf(log, scale, 4)).toEqual([2, 0, 1, 4]);
  expect(heatFrom([1, 2], 0, 10, scale, 4)).toEqual([0, 1, 0, 2]);
});
