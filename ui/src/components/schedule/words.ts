import type { Schedule } from '@/api/shapes';

/** The words form of schedules, as `docs/reference/decision.md` has it. The server's own form has the last word. */

export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
export const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `months May-Aug days 1-7 Mon-Fri 08:00-16:00 Europe/Warsaw`; `always` where nothing is said. */
export function toWords(schedule: Schedule): string {
  const parts: string[] = [];
  if (schedule.months?.length) parts.push(`months ${ranges(schedule.months, 1, 12, (month) => MONTHS[month - 1] ?? String(month))}`);
  if (schedule.days_of_month?.length) parts.push(`days ${ranges(schedule.days_of_month, 1, 31, String)}`);
  if (schedule.weekdays?.length) parts.push(ranges(schedule.weekdays, 0, 6, (day) => WEEKDAYS[day] ?? String(day)));
  if (schedule.time_start || schedule.time_end) parts.push(`${schedule.time_start || '00:00'}-${schedule.time_end || '24:00'}`);
  if (parts.length === 0) parts.push('always');
  if (schedule.timezone) parts.push(schedule.timezone);
  if (schedule.is_active === false) parts.push('inactive');
  return parts.join(' ');
}

/** `Mon-Fri`, `1-7,15`. What is next to each other becomes a range; the whole is a range too. */
function ranges(values: readonly number[], first: number, last: number, name: (value: number) => string): string {
  const sorted = [...new Set(values)].filter((value) => value >= first && value <= last).sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    let k = i;
    while (k + 1 < sorted.length && sorted[k + 1] === (sorted[k] ?? 0) + 1) k += 1;
    const [from, to] = [sorted[i] ?? first, sorted[k] ?? first];
    if (k === i) parts.push(name(from));
    else if (k === i + 1) parts.push(name(from), name(to));
    else parts.push(`${name(from)}-${name(to)}`);
    i = k + 1;
  }
  return parts.join(',');
}

/** Reads the words form; null where it is something that only the server understands. */
export function fromWords(words: string): Schedule | null {
  const schedule: Schedule = {};
  const tokens = words.trim().split(/\s+/).filter(Boolean);
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i] ?? '';
    const lower = token.toLowerCase();
    if (lower === 'always') continue;
    if (lower === 'inactive') schedule.is_active = false;
    else if (lower === 'months' || lower === 'month') {
      i += 1;
      const months = listed(tokens[i], (text) => named(text, MONTHS, 1) ?? numbered(text, 1, 12), 1, 12);
      if (months === null) return null;
      schedule.months = months;
    } else if (lower === 'days' || lower === 'day') {
      i += 1;
      const days = listed(tokens[i], (text) => numbered(text, 1, 31), 1, 31);
      if (days === null) return null;
      schedule.days_of_month = days;
    } else if (!readOther(token, schedule)) return null;
  }
  return schedule;
}

function readOther(token: string, schedule: Schedule): boolean {
  const times = /^(\d{1,2}:\d{2})-(\d{1,2}:\d{2})$/.exec(token);
  if (times !== null) {
    schedule.time_start = times[1]?.padStart(5, '0') ?? null;
    schedule.time_end = times[2]?.padStart(5, '0') ?? null;
    return true;
  }
  const days = listed(token, (text) => named(text, WEEKDAYS, 0), 0, 6);
  if (days !== null) {
    schedule.weekdays = days;
    return true;
  }
  if (token === 'UTC' || /^[A-Za-z_]+\/[A-Za-z0-9_+\-/]+$/.test(token)) {
    schedule.timezone = token;
    return true;
  }
  return false;
}

/** `Mon,Wed-Fri`; a range may run past the end (`Sat-Mon`). */
function listed(text: string | undefined, read: (text: string) => number | null, first: number, last: number): number[] | null {
  if (text === undefined) return null;
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const ends = part.split('-');
    const from = read(ends[0] ?? '');
    const to = ends.length === 1 ? from : read(ends[1] ?? '');
    if (from === null || to === null || ends.length > 2) return null;
    for (let value = from; ; value = value === last ? first : value + 1) {
      found.add(value);
      if (value === to) break;
    }
  }
  return [...found].sort((a, b) => a - b);
}

function named(text: string, names: readonly string[], first: number): number | null {
  const lower = text.toLowerCase();
  if (lower.length < 3) return null;
  const at = names.findIndex((name) => lower.startsWith(name.toLowerCase()));
  return at < 0 || !/^[a-z]+$/.test(lower) ? null : at + first;
}

function numbered(text: string, first: number, last: number): number | null {
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= first && value <= last ? value : null;
}

/** A stretch of a day that is open, in hours of its zone's clock. */
export interface Block {
  /** 0 = Monday. */
  day: number;
  from: number;
  to: number;
}

/** How a schedule looks in a week of its own zone, whatever the month and the day of the month. */
export function weekBlocks(schedule: Schedule): Block[] {
  if (schedule.is_active === false) return [];
  const days = schedule.weekdays?.length ? schedule.weekdays : [0, 1, 2, 3, 4, 5, 6];
  const from = schedule.time_start ? hours(schedule.time_start) : 0;
  const to = schedule.time_end ? hours(schedule.time_end) : 24;
  return days.flatMap((day) => {
    if (to > from) return [{ day, from, to }];
    // An end at or before the start is on the next day.
    const rest = to > 0 ? [{ day: (day + 1) % 7, from: 0, to }] : [];
    return [{ day, from, to: 24 }, ...rest];
  });
}

function hours(text: string): number {
  const [hour = '0', minute = '0'] = text.split(':');
  return Number(hour) + Number(minute) / 60;
}
