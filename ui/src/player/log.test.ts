import { expect, test } from 'vitest';
import { EventLog, headerSize, parseSize } from './log';

test('finds places by time, and times never fall', () => {
  const log = new EventLog();
  log.append([[1, 'o', 'a'], [3, 'o', 'b'], [2, 'o', 'c'], [Number.NaN, 'o', 'd']]);
  expect(log.length).toBe(3);
  expect([log.after(0), log.after(1), log.after(2.9), log.after(3)]).toEqual([0, 1, 1, 3]);
  expect(log.end).toBe(3);
});

test('names resizes, markers and silence', () => {
  const log = new EventLog();
  log.append([[0, 'r', '80x24'], [1, 'o', 'x'], [4, 'r', '100x30'], [5, 'm', 'deploy']]);
  expect(log.marks).toEqual([
    { t: 4, kind: 'resize', text: 'resized to 100x30' },
    { t: 5, kind: 'marker', text: 'deploy' },
  ]);
  expect(log.gaps).toEqual([{ from: 1, to: 4 }]);
});

test('a target cannot fill the page with marks', () => {
  const log = new EventLog();
  log.append(Array.from({ length: 5_000 }, (_, i) => [i, 'm', 'x'] as const));
  expect(log.marks.length).toBe(2_000);
});

test('what was typed is told up to a time', () => {
  const log = new EventLog();
  log.append([[0, 'i', 'a'], [1, 'o', 'a'], [2, 'i', 'b'], [3, 'i', 'c']]);
  expect(log.typedUntil(2, 10).map(([, , text]) => text)).toEqual(['a', 'b']);
  expect(log.typedUntil(9, 2).map(([, , text]) => text)).toEqual(['b', 'c']);
});

test('sizes are read, and bounded', () => {
  expect(parseSize('80x24')).toEqual({ cols: 80, rows: 24 });
  expect(parseSize('99999x99999')).toEqual({ cols: 500, rows: 300 });
  for (const wrong of ['', '80', '0x5', '80x-1', 'x', '80x24x3']) expect(parseSize(wrong)).toBeNull();
  expect(headerSize({ version: 2, width: 120, height: 40 })).toEqual({ cols: 120, rows: 40 });
  expect(headerSize({ version: 3, term: { cols: 90, rows: 20 } })).toEqual({ cols: 90, rows: 20 });
  expect(headerSize({ version: 2 })).toBeNull();
  expect(headerSize(null)).toBeNull();
});
