import { describe, expect, it } from 'vitest';
import { asks, staleAfter } from './events';

describe('live events', () => {
  it('make stale what they touch', () => {
    expect(staleAfter('session.opened')).toContain('/sessions');
    expect(staleAfter('policy.revoked')).toEqual(expect.arrayContaining(['/policies', '/me', '/audit']));
    expect(staleAfter('something.new')).toEqual(['/audit', '/alerts']);
  });

  it('find queries by their path, and what is below it', () => {
    expect(asks(['/sessions', { limit: 50 }], ['/sessions'])).toBe(true);
    expect(asks(['/sessions/0193', 'one'], ['/sessions'])).toBe(true);
    expect(asks(['/session'], ['/sessions'])).toBe(false);
    expect(asks(['/server-groups', {}], ['/servers'])).toBe(false);
    expect(asks([12], ['/sessions'])).toBe(false);
  });
});
