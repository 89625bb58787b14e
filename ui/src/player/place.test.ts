import { expect, test } from 'vitest';
import { placeSearch, readPlace } from './place';

test('a place goes into an address and comes back', () => {
  expect(placeSearch({ t: 83.2, channel: 0 })).toEqual({ t: '83.2', channel: '0' });
  expect(readPlace({ t: '83.2', channel: '0', tab: 'x' })).toEqual({ t: 83.2, channel: 0 });
  expect(placeSearch({ t: null, channel: null })).toEqual({ t: undefined, channel: undefined });
  for (const t of [0, 1, 0.1234567, 83.2, 3599.999999]) {
    const back = readPlace(placeSearch({ t, channel: 3 })).t ?? -1;
    expect(back).toBeGreaterThanOrEqual(t - 1e-8);
    expect(back - t).toBeLessThan(0.0011);
  }
});

test('what makes no sense counts as absent', () => {
  for (const t of ['', '-1', 'abc', '1e9', 'Infinity', '1.', '0x10']) expect(readPlace({ t }).t).toBeNull();
  for (const channel of ['', '-1', '1.5', '99999999999']) expect(readPlace({ channel }).channel).toBeNull();
});
