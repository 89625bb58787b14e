import { expect, test } from 'vitest';
import { readPreferences } from './preferences';

test('what was kept is read, and what makes no sense is not', () => {
  const usual = readPreferences(null);
  expect(readPreferences(JSON.stringify({ speed: 4, skipIdle: false, typed: 'yes', other: 1 }))).toEqual({ ...usual, speed: 4, skipIdle: false });
  for (const wrong of ['', '{', 'null', '[]', '3']) expect(readPreferences(wrong)).toEqual(usual);
});
