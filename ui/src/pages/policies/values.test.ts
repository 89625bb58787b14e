import { describe, expect, it } from 'vitest';
import type { Policy } from '@/api/shapes';
import { changes, formField, grantBody, missing, NEW_GRANT, stepOf, valuesFromPolicy, valuesFromSearch } from './values';

const policy: Policy = {
  id: 12, user: 'alice', group: null, server: null, server_group: 'web', protocol: 'ssh', from: null, logins: ['root'],
  start: '2026-01-01T08:00:00Z', end: '2026-01-31T08:00:00Z', schedules: ['Mon-Fri 08:00-16:00'], use_schedules: true,
  forwarding: { local: true, remote: false, unix: false, destinations: ['db:5432'], blocked_ports: [25] }, rights: ['forward_local', 'agent'],
  record_mode: null, record_binary: null, record_input: null, record_forwards: null, idle: '15m', max_length: null, state: 'expired',
  reason: 'ticket', revoked_at: null, created_at: '2026-01-01T08:00:00Z', created_by: 'cli:root@gate',
};

describe('a grant in the wizard', () => {
  it('becomes what the API takes', () => {
    const body = grantBody({ ...NEW_GRANT, subject: 'ops', subjectKind: 'group', target: 'web01', protocol: 'ssh', for: ' 2h ', reason: ' ' });
    expect(body).toMatchObject({ user: null, group: 'ops', server: 'web01', server_group: null, protocol: 'ssh', for: '2h', start: null, reason: null, from: null });
    expect(body).not.toHaveProperty('end');
    expect(grantBody({ ...NEW_GRANT, whenKind: 'permanent' })).toMatchObject({ end: null });
    expect(grantBody({ ...NEW_GRANT, whenKind: 'permanent' })).not.toHaveProperty('for');
  });

  it('changes nothing when nothing was edited', () => {
    const before = grantBody(valuesFromPolicy(policy, false));
    expect(changes(before, before)).toEqual({});
  });

  it('says only what was edited, and clears', () => {
    const values = valuesFromPolicy(policy, false);
    const before = grantBody(values);
    expect(changes(before, grantBody({ ...values, logins: [], idle: '' }))).toEqual({ logins: [], idle: null });
    expect(changes(before, grantBody({ ...values, whenKind: 'for', for: '2h' }))).toEqual({ for: '2h' });
    expect(changes(before, grantBody({ ...values, whenKind: 'permanent' }))).toEqual({ end: null });
  });

  it('asks a new end of a copy of what is over', () => {
    const copy = valuesFromPolicy(policy, true);
    expect(copy).toMatchObject({ whenKind: 'for', for: '', start: '', end: '', subject: 'alice', target: 'web', targetKind: 'server_group' });
    expect(missing(copy, 3)).toHaveProperty('for');
    expect(valuesFromPolicy({ ...policy, state: 'active' }, true)).toMatchObject({ whenKind: 'between' });
  });

  it('is filled in by links', () => {
    expect(valuesFromSearch({ group: 'ops', server: 'web01', protocol: 'rdp', login: 'x' })).toMatchObject({ subjectKind: 'group', subject: 'ops', targetKind: 'server', target: 'web01', protocol: 'rdp', logins: ['x'] });
    expect(valuesFromSearch({ protocol: 'ftp' })).toMatchObject({ protocol: '', subject: null });
  });

  it('leads refusals to their steps', () => {
    expect(stepOf('user')).toBe(0);
    expect(stepOf('server_group')).toBe(1);
    expect(stepOf('logins[1]')).toBe(2);
    expect(stepOf('forwarding.destinations')).toBe(2);
    expect(stepOf('schedules[0].timezone')).toBe(3);
    expect(stepOf('reason')).toBe(4);
    expect(stepOf('moon')).toBeNull();
    expect([formField('group'), formField('server'), formField('forwarding.destinations'), formField('forwarding.local'), formField('logins[1]')]).toEqual(['subject', 'target', 'destinations', 'rights', 'logins']);
  });
});
