import type { AuditEvent, Session } from '@/api/shapes';
import type { Mark, MarkKind } from '@/player';

/** Why a session ended, as a short sentence. */
const REASONS: Record<string, string> = {
  normal: 'One side finished',
  error: 'A fault',
  timeout: 'Idle or too long',
  killed: 'Ended by somebody',
  expired: 'Access ended',
  revoked: 'Access taken away',
  service_restart: 'The node stopped',
};

export const END_REASONS = Object.entries(REASONS).map(([value, label]) => ({ value, label }));

export function endWords(reason: string | null): string {
  return reason === null ? '–' : (REASONS[reason] ?? reason.replaceAll('_', ' '));
}

/** The colour of an end: what somebody should look at stands out. */
export function endTone(reason: string | null): string {
  if (reason === null || reason === 'normal') return 'gray';
  return reason === 'killed' || reason === 'revoked' ? 'brick' : 'brass';
}

/** What the book and the row say happened, as marks on the scrubber. */
export function marksOf(session: Session): Mark[] {
  const started = Date.parse(session.started_at);
  const at = (instant: string) => (Date.parse(instant) - started) / 1000;
  const events = (session.events ?? []).flatMap((event): Mark[] => {
    const kind = kindOf(event);
    return kind === null ? [] : [{ t: at(event.time), kind, text: eventWords(event) }];
  });
  const transfers = (session.transfers ?? []).map((transfer): Mark => ({
    t: at(transfer.started_at),
    kind: 'transfer',
    text: `${transfer.operation === 'transfer' ? transfer.direction : transfer.operation}: ${transfer.path}`,
  }));
  const forwards = (session.forwards ?? []).map((forward): Mark => ({
    t: at(forward.started_at),
    kind: 'forward',
    text: `${forward.kind} forward: ${forward.listen} → ${forward.destination}`,
  }));
  return [...events, ...transfers, ...forwards].filter(({ t }) => Number.isFinite(t) && t >= 0);
}

/** What kind of mark an event is; null where it is none: the beginning is where one begins, and forwards are marked by their rows. */
export function kindOf({ action, outcome }: Pick<AuditEvent, 'action' | 'outcome'>): MarkKind | null {
  if (action === 'session.opened' || action === 'forward.opened') return null;
  if (LOOKED.has(action)) return null;
  if (outcome === 'denied') return 'denied';
  if (outcome === 'failed' || /warn|limit|failed|expir/.test(action)) return 'warning';
  if (action === 'session.killed') return 'denied';
  if (action.startsWith('forward.')) return 'forward';
  return 'change';
}

/** What others did with the recording is no part of what happened in the session. */
export const LOOKED: ReadonlySet<string> = new Set(['session.watched', 'recording.viewed', 'recording.exported', 'recording.verified']);

export function eventWords(event: Pick<AuditEvent, 'action' | 'reason'>): string {
  const what = event.action.replaceAll('_', ' ').replace('.', ' ');
  return event.reason === null ? what : `${what}: ${event.reason}`;
}
