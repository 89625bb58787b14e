import { describe, expect, it } from 'vitest';
import { age, bytes, clock, duration, fromInput, nextTick, toInput, utc } from './time';

const NOW = Date.parse('2026-01-31T15:00:00Z');
const before = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

describe('durations', () => {
  it('show their two largest units, downwards', () => {
    for (const [seconds, words] of [
      [0, '0s'], [59.9, '59s'], [60, '1m'], [3599, '59m 59s'], [3600, '1h'], [3661, '1h 1m'], [86_400, '1d'],
      [90_061, '1d 1h'], [86_400 + 59, '1d'], [366 * 86_400, '1y 1d'], [-5, '0s'],
    ] as const) expect(duration(seconds)).toBe(words);
  });

  it('are places in a recording', () => {
    expect(clock(0)).toBe('00:00');
    expect(clock(725.9)).toBe('12:05');
    expect(clock(3723)).toBe('1:02:03');
  });
});

describe('ages', () => {
  it('say how long ago, and in how long', () => {
    for (const [seconds, words] of [
      [2, 'just now'], [-3, 'just now'], [59, '59 s ago'], [60, '1 min ago'], [3599, '59 min ago'], [7200, '2 h ago'],
      [47 * 3600, '47 h ago'], [3 * 86_400, '3 days ago'], [90 * 86_400, '3 months ago'], [800 * 86_400, '2 years ago'], [-7200, 'in 2 h'],
    ] as const) expect(age(before(seconds), NOW)).toBe(words);
  });

  it('tick as often as their words change', () => {
    expect(nextTick(before(10), NOW)).toBe(1_000);
    expect(nextTick(before(600), NOW)).toBe(15_000);
    expect(nextTick(before(90_000), NOW)).toBe(60_000);
  });

  it('leave alone what is no instant', () => {
    expect(age('soon', NOW)).toBe('soon');
    expect(utc('soon')).toBe('soon');
  });
});

describe('instants', () => {
  it('are exact in UTC', () => {
    expect(utc('2026-01-31T16:00:00+01:00')).toBe('2026-01-31 15:00:00 UTC');
    expect(utc('2026-01-31T15:00:00.250Z')).toBe('2026-01-31 15:00:00.250 UTC');
  });

  it('go through a field and back', () => {
    const instant = '2026-01-31T15:00:00Z';
    expect(fromInput(toInput(instant))).toBe(instant);
    expect(fromInput('')).toBeNull();
    expect(fromInput('nonsense')).toBeNull();
    expect(toInput(null)).toBe('');
  });
});

describe('sizes', () => {
  it('have three digits at most', () => {
    for (const [count, words] of [[0, '0 B'], [999, '999 B'], [1000, '1.0 kB'], [5402, '5.4 kB'], [54_021, '54 kB'], [999_600, '1.0 MB'], [1.25e9, '1.3 GB']] as const)
      expect(bytes(count)).toBe(words);
  });
});
