import { expect, test } from 'vitest';
import type { AuditEvent, Session } from '@/api/shapes';
import { endWords, kindOf, marksOf } from './words';

const event = (action: string, outcome: AuditEvent['outcome'], time: string): AuditEvent => ({
  seq: 1, time, action, actor: 'system', source: null, user: 'alice', server: 'web', session: 'x', outcome, reason: null, detail: {}, hash: '',
});

test('what happened becomes marks at their seconds', () => {
  const session = {
    started_at: '2026-01-31T14:00:00Z',
    events: [
      event('session.opened', 'ok', '2026-01-31T14:00:00Z'),
      event('forward.denied', 'denied', '2026-01-31T14:01:00.5Z'),
      event('session.changed', 'ok', '2026-01-31T14:02:00Z'),
      event('recording.viewed', 'ok', '2026-02-01T14:00:00Z'),
    ],
    transfers: [{ direction: 'upload', operation: 'transfer', path: '/etc/motd', target_path: null, bytes: 1, result: 'ok', started_at: '2026-01-31T14:00:10Z', duration_seconds: 1 }],
    forwards: [{ kind: 'local', listen: 'a:1', destination: 'db:5432', bytes_in: 0, bytes_out: 0, started_at: '2026-01-31T13:59:00Z', ended_at: null, capture: null }],
  } as unknown as Session;
  expect(marksOf(session).map(({ t, kind }) => [t, kind])).toEqual([[60.5, 'denied'], [120, 'change'], [10, 'transfer']]);
});

test('kinds follow from action and outcome', () => {
  expect(kindOf({ action: 'recording.failed', outcome: 'failed' })).toBe('warning');
  expect(kindOf({ action: 'session.killed', outcome: 'ok' })).toBe('denied');
  expect(kindOf({ action: 'forward.connected', outcome: 'ok' })).toBe('forward');
});

test('an unknown reason is written as it is', () => {
  expect(endWords('sun_spots')).toBe('sun spots');
  expect(endWords(null)).toBe('–');
});
