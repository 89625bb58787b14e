import type { QueryClient, QueryKey } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { API } from './client';
import type { Counters } from './shapes';

/** What `event: audit` carries. */
export interface LiveEvent {
  seq: number;
  time: string;
  action: string;
  user: string | null;
  server: string | null;
  session: string | null;
  outcome: string;
  reason: string | null;
}

export type LiveState = 'connecting' | 'live' | 'lost';

/** Which lists an event makes stale, by the noun of its action. Keys of queries begin with the path they ask. */
const STALE: Record<string, string[]> = {
  user: ['/users', '/user-groups', '/me'],
  address: ['/users', '/me'],
  key: ['/users'],
  group: ['/user-groups', '/users'],
  user_group: ['/user-groups', '/users'],
  server: ['/servers', '/server-groups', '/pool', '/me'],
  server_group: ['/server-groups', '/servers'],
  host_key: ['/servers'],
  hostkey: ['/servers'],
  credential: ['/servers'],
  pool: ['/pool', '/servers'],
  policy: ['/policies', '/me', '/users', '/servers'],
  right: ['/users', '/user-groups', '/me'],
  lock: ['/users', '/servers', '/me'],
  block: ['/blocks'],
  session: ['/sessions', '/me/sessions', '/forwards'],
  forward: ['/forwards', '/sessions'],
  request: ['/requests', '/me'],
  breakglass: ['/requests', '/policies', '/me'],
  approval_rule: ['/approval-rules'],
  approver: ['/server-groups', '/requests'],
  signin: ['/users', '/me/sign-ins'],
  factor: ['/users', '/me/factors'],
  token: ['/tokens', '/me/tokens'],
  node: ['/nodes', '/stats'],
  recording_key: ['/recording-keys'],
};

/** The beginnings of the query keys that an action makes stale. */
export function staleAfter(action: string): string[] {
  const noun = action.split('.', 1)[0] ?? '';
  // Any event may be one that somebody is told of.
  return [...(STALE[noun] ?? []), '/audit', '/alerts'];
}

/** Whether a query asks one of these paths, or something below it. */
export function asks(key: QueryKey, paths: Iterable<string>): boolean {
  const path = key[0];
  if (typeof path !== 'string') return false;
  for (const stale of paths) if (path === stale || path.startsWith(`${stale}/`)) return true;
  return false;
}

/** Between an event and the next reading of lists, so that a burst costs one reading (ms). */
const GATHER = 1_000;
/** Lists are not read again more often than this, whatever happens (ms). */
const PAUSE = 3_000;

let state: LiveState = 'connecting';
let counters: ReadonlyMap<string, Counters> = new Map();
const watchers = new Set<() => void>();
const listeners = new Set<(event: LiveEvent) => void>();

function tell(): void {
  for (const watcher of watchers) watcher();
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** Waits between attempts to connect again: the first, and the longest (ms). */
const RETRY_FIRST = 1_000;
const RETRY_MOST = 30_000;

/** Follows what happens and keeps what is shown up to date. Returns how to stop. */
export function followEvents(queries: QueryClient): () => void {
  const stale = gather(queries);
  let source: EventSource;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let wait = RETRY_FIRST;
  const become = (now: LiveState) => {
    if (now === state) return;
    // What happened while the connection was lost is not known: everything shown is read again.
    if (now === 'live' && state === 'lost') void queries.invalidateQueries();
    state = now;
    tell();
  };
  const connect = () => {
    source = new EventSource(`${API}/events`);
    source.onopen = () => {
      wait = RETRY_FIRST;
      become('live');
    };
    source.onerror = () => {
      become('lost');
      // The browser tries again by itself, unless it was answered with an error.
      if (source.readyState !== EventSource.CLOSED) return;
      retry = setTimeout(connect, wait);
      wait = Math.min(wait * 2, RETRY_MOST);
    };
    source.addEventListener('audit', (message: MessageEvent<string>) => {
      const event = parse<LiveEvent>(message.data);
      if (event === null) return;
      stale.add(staleAfter(event.action));
      for (const listener of listeners) listener(event);
    });
    source.addEventListener('active', (message: MessageEvent<string>) => {
      const list = parse<Counters[]>(message.data);
      if (!Array.isArray(list)) return;
      counters = new Map(list.map((entry) => [entry.id, entry]));
      tell();
    });
  };
  connect();
  return () => {
    clearTimeout(retry);
    source.close();
    stale.stop();
    state = 'connecting';
    tell();
  };
}

/** Collects what became stale and has it read again, not too often. */
function gather(queries: QueryClient): { add: (paths: string[]) => void; stop: () => void } {
  const stale = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = 0;
  const refresh = () => {
    timer = undefined;
    last = Date.now();
    const paths = [...stale];
    stale.clear();
    void queries.invalidateQueries({ predicate: (query) => asks(query.queryKey, paths) });
  };
  return {
    add: (paths) => {
      for (const path of paths) stale.add(path);
      timer ??= setTimeout(refresh, Math.max(GATHER, last + PAUSE - Date.now()));
    },
    stop: () => clearTimeout(timer),
  };
}

/** Calls for each event of the book as it happens. Returns how to stop. */
export function onEvent(listener: (event: LiveEvent) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(watch, () => state);
}

/** The newest counters of running sessions, by session id. */
export function useCounters(): ReadonlyMap<string, Counters> {
  return useSyncExternalStore(watch, () => counters);
}

function parse<T>(text: string): T | null {
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
