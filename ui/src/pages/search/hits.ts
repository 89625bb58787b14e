import type { Instant } from '@/api/shapes';

/** What `GET /search` finds. */
export interface Hit {
  session: string;
  channel: number | null;
  /** Seconds since the session's start. */
  t: number;
  kind: 'output' | 'command' | 'file' | string;
  text: string;
  user: string;
  server: string;
  started_at: Instant;
}

export interface Found {
  session: string;
  user: string;
  server: string;
  started_at: Instant;
  hits: Hit[];
}

/** Hits by session, in the order in which the sessions come first; within one by time. */
export function bySession(hits: readonly Hit[]): Found[] {
  const found = new Map<string, Found>();
  for (const hit of hits) {
    const { session, user, server, started_at } = hit;
    const group = found.get(session) ?? { session, user, server, started_at, hits: [] };
    group.hits.push(hit);
    found.set(session, group);
  }
  for (const group of found.values()) group.hits.sort((a, b) => a.t - b.t);
  return [...found.values()];
}
