import { useQuery } from '@tanstack/react-query';
import { api, at } from '@/api/client';
import { useItems } from '@/api/queries';
import type { Instant } from '@/api/shapes';
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

/** A line as the server tells it. */
interface ToldLine {
  /** When it was complete, by which pages follow each other. */
  t: number;
  /** When it was last written to. */
  seen?: number;
  text: string;
}

async function readLines(path: string, channel: number, before: Transcript | undefined, signal: AbortSignal): Promise<Transcript> {
  const lines = settled(before?.lines ?? []);
  // What was read before is no new view, so the first page is not asked for again.
  let after: number | null = lines.at(-1)?.complete ?? (before === undefined ? null : 0);
  while (lines.length < MOST_LINES) {
    const page: { items: ToldLine[]; next: number | null } = await api.get(path, { query: { channel, after, limit: LINES }, signal });
    for (const { t, seen = t, text } of page.items) lines.push({ t: Math.max(seen, lines.at(-1)?.t ?? 0), complete: t, text });
    after = page.next;
    if (after === null) return { lines, cut: false };
  }
  return { lines, cut: true };
}

/** Lines that were complete before the newest ones. The newest may stand on a screen still, and are read again. */
export function settled(lines: readonly Line[]): Line[] {
  const newest = lines.at(-1)?.complete;
  return lines.filter(({ complete }) => complete !== newest);
}
