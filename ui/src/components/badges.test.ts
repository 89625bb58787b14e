import { describe, expect, it } from 'vitest';
import { policyMark } from './badges';

const NOW = Date.parse('2026-01-31T15:00:00Z');
const DAY = 86_400_000;
const at = (days: number) => new Date(NOW + days * DAY).toISOString();

describe('the mark of a grant', () => {
  it('is what it is now, whatever it was when it was read', () => {
    expect(policyMark({ state: 'active', start: at(-1), end: null }, NOW)).toBe('Active');
    expect(policyMark({ state: 'active', start: at(-1), end: at(8) }, NOW)).toBe('Active');
    expect(policyMark({ state: 'active', start: at(-1), end: at(7) }, NOW)).toBe('Expiring');
    expect(policyMark({ state: 'active', start: at(-9), end: at(0) }, NOW)).toBe('Expired');
    expect(policyMark({ state: 'scheduled', start: at(1), end: at(2) }, NOW)).toBe('Scheduled');
    expect(policyMark({ state: 'revoked', start: at(-1), end: null }, NOW)).toBe('Revoked');
  });
});
