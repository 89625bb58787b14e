import { describe, expect, it } from 'vitest';
import { fromWords, toWords, weekBlocks } from './words';

describe('schedules in words', () => {
  it('print as the reference has them', () => {
    expect(toWords({ weekdays: [0, 1, 2, 3, 4], time_start: '08:00', time_end: '16:00', timezone: 'Europe/Warsaw' })).toBe('Mon-Fri 08:00-16:00 Europe/Warsaw');
    expect(toWords({ days_of_month: [1, 2, 3, 4, 5, 6, 7], weekdays: [5], time_start: '04:00', time_end: '08:00', timezone: 'UTC' })).toBe('days 1-7 Sat 04:00-08:00 UTC');
    expect(toWords({ months: [12], days_of_month: [24, 25, 26] })).toBe('months Dec days 24-26');
    expect(toWords({ weekdays: [5, 6] })).toBe('Sat,Sun');
    expect(toWords({})).toBe('always');
    expect(toWords({ time_start: '20:00' })).toBe('20:00-24:00');
    expect(toWords({ is_active: false, weekdays: [0] })).toBe('Mon inactive');
  });

  it('are read back', () => {
    for (const words of [
      'Mon-Fri 08:00-16:00 Europe/Warsaw', 'days 1-7 Sat 04:00-08:00 UTC', 'months May-Aug Mon-Fri Europe/Warsaw', 'Fri 22:00-02:00', 'always',
      'months Jan,Mar days 1,15 08:00-24:00', 'Mon,Wed,Fri inactive', '08:00-12:00 America/Argentina/Buenos_Aires', 'Etc/GMT+3',
    ]) {
      const read = fromWords(words);
      expect(read).not.toBeNull();
      const printed = toWords(read ?? {});
      expect(fromWords(printed)).toEqual(read);
    }
    expect(fromWords('Mon-Fri 08:00-16:00 Europe/Warsaw')).toEqual({ weekdays: [0, 1, 2, 3, 4], time_start: '08:00', time_end: '16:00', timezone: 'Europe/Warsaw' });
  });

  it('let ranges run past the end', () => {
    expect(fromWords('Sat-Mon')?.weekdays).toEqual([0, 5, 6]);
    expect(fromWords('months Nov-Feb')?.months).toEqual([1, 2, 11, 12]);
  });

  it('leave to the server what they do not know', () => {
    for (const words of ['every second Tuesday', 'days 32', 'Mon-', 'months', '8-16', 'Mo']) expect(fromWords(words)).toBeNull();
  });
});

describe('the week', () => {
  it('splits what crosses midnight', () => {
    expect(weekBlocks({ weekdays: [4], time_start: '22:00', time_end: '02:00' })).toEqual([
      { day: 4, from: 22, to: 24 },
      { day: 5, from: 0, to: 2 },
    ]);
    expect(weekBlocks({ weekdays: [6], time_start: '22:30', time_end: '00:00' })).toEqual([{ day: 6, from: 22.5, to: 24 }]);
  });

  it('is whole where nothing is said, and empty where it is switched off', () => {
    expect(weekBlocks({})).toHaveLength(7);
    expect(weekBlocks({ is_active: false })).toEqual([]);
    // Equal times are 24 hours.
    expect(weekBlocks({ weekdays: [0], time_start: '08:00', time_end: '08:00' })).toEqual([
      { day: 0, from: 8, to: 24 },
      { day: 1, from: 0, to: 8 },
    ]);
  });
});
