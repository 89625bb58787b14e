import { expect, test } from 'vitest';
import { bySession, type Hit } from './hits';

const hit = (session: string, t: number): Hit => ({ session, t, channel: 0, kind: 'output', text: '', user: 'alice', server: 'web', started_at: '2026-01-31T14:00:00Z' });

test('hits are grouped by session, the best session first, and told in the order of time', () => {
  const found = bySession([hit('b', 9), hit('a', 1), hit('b', 3)]);
  expect(found.map(({ session, hits }) => [session, hits.map(({ t }) => t)])).toEqual([['b', [3, 9]], ['a', [1]]]);
  expect(bySession([])).toEqual([]);
});
