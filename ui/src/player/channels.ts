import { useQuery } from '@tanstack/react-query';
import { api, at } from '@/api/client';
import { itemsOf, useItems } from '@/api/queries';
import type { Instant, Page } from '@/api/shapes';
import type { Line } from './transcript';

/** A recorded channel, of `GET /sessions/{id}/recording/channels`. */
export interface Channel {
  channel: number;
  kind: string;
  command: string | null;
  started_at: Instant;
  /** Seconds from the session's start to its first event. */
  begins?: number;
  duration: number;
  width: number;
  height: number;
  events: number;
  size: number;
  activity: number[];
}

/** How often the channels and lines of a running session are read again (ms). */
const OFTEN = 10_000;
const LINES_OFTEN = 3_000;
/** Lines of a page, and at most in all. */
const LINES = 10_000;
const MOST_LINES = 200_000;

export function useChannels(session: string, running: boolean) {
  return useItems<Channel>(at`/sessions/${session}/recording/channels`, undefined, { every: running ? OFTEN : undefined });
}

/** When a channel begins, in seconds since the session's start. */
export function beginOf(channel: Channel, startedAt: Instant): number {
  return channel.begins ?? Math.max(0, (Date.parse(channel.started_at) - Date.parse(startedAt)) / 1000);
}

export function nameOf(channel: Channel): string {
  const what = channel.command ?? channel.kind;
  return what.length > 28 ? `${what.slice(0, 27)}…` : what;
}

export interface Transcript {
  lines: Line[];
  /** There are more lines than the page may hold. */
  cut: boolean;
}

/** The whole transcript of a channel; of a running session also what is added to it. */
export function useTranscript(session: string, channel: number, running: boolean) {
  const path = at`/sessions/${session}/transcript`;
  const key = [path, { channel }];
  return useQuery<Transcript>({
    queryKey: key,
    queryFn: async ({ signal, client }) => readLines(path, channel, client.getQueryData<Transcript>(key), signal),
    refetchInterval: running ? LINES_OFTEN : false,
    refetchOnWindowFocus: false,
    staleTime: Infinity,
    structuralSharing: false,
  });
}

async function readLines(path: string, channel: number, before: Transcript | undefined, signal: AbortSignal): Promise<Transcript> {
  const lines = before?.lines ?? [];
  const fresh: Line[] = [];
  let after: number | null = lines.at(-1)?.t ?? null;
  while (lines.length + fresh.length < MOST_LINES) {
    const page: Line[] | (Omit<Page<Line>, 'next'> & { next: number | null }) = await api.get(path, { query: { channel, after, limit: LINES }, signal });
    const since = after;
    fresh.push(...itemsOf(page as Line[] | Page<Line>).filter((line) => since === null || line.t > since));
    after = Array.isArray(page) ? null : page.next;
    if (after === null) return fresh.length === 0 && before ? before : { lines: [...lines, ...fresh], cut: false };
  }
  return { lines: [...lines, ...fresh], cut: true };
}
