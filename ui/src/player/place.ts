import type { Search } from '@/app/search';

/** The place in a session's recording that an address names. */
export interface Place {
  /** Seconds since the session's start; null: wherever the player begins by itself. */
  t: number | null;
  channel: number | null;
}

/** Reads `?t=83.2&channel=0`. What makes no sense counts as absent. */
export function readPlace(search: Search): Place {
  return { t: number(search.t, /^\d+(\.\d+)?$/), channel: number(search.channel, /^\d{1,9}$/) };
}

function number(text: string | undefined, form: RegExp): number | null {
  if (text === undefined || !form.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** The inverse, to a millisecond, upwards: what is seen at the place must be seen there again. */
export function placeSearch({ t, channel }: Place): Search {
  return { t: t === null ? undefined : String(Math.max(0, Math.ceil(t * 1000 - 1e-6) / 1000)), channel: channel === null ? undefined : String(channel) };
}
