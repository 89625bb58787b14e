import { describe, expect, it } from 'vitest';
import { apiQuery, changed, conditionCount, conditions, readListState, sortOf, viewQuery, type Filter } from './query';

const filters: Filter[] = [
  { name: 'role', label: 'Role', kind: 'choice', options: [] },
  { name: 'group', label: 'Group', kind: 'text' },
];

describe('a list and its address', () => {
  it('takes what it knows and leaves the rest', () => {
    const state = readListState({ text: 'al', role: 'admin', other: 'x', limit: '100', cursor: 'c1', sort: '-name' }, filters, 'name');
    expect(state).toEqual({ text: 'al', sort: '-name', limit: 100, cursor: 'c1', filters: { role: 'admin' } });
  });

  it('does not ask for page sizes that it does not offer', () => {
    for (const limit of [undefined, '0', '9999', 'x']) expect(readListState({ limit }, filters, null).limit).toBe(50);
  });

  it('asks the API, and the page has the last word', () => {
    const state = readListState({ text: ' a ', group: 'ops', user: 'mallory' }, filters, 'name');
    expect(apiQuery(state, { user: 'alice', group: 'dev' })).toEqual({ text: 'a', group: 'dev', user: 'alice', sort: 'name', limit: 50, cursor: null });
    expect(conditions(state)).toEqual({ text: 'a', group: 'ops' });
  });

  it('begins anew when it is filtered', () => {
    expect(changed({ role: 'user' })).toEqual({ role: 'user', cursor: undefined });
  });

  it('keeps in a view what is listed, not which page', () => {
    expect(viewQuery({ text: 'a', role: 'admin', cursor: 'c', tab: 'x', sort: '-name' }, filters)).toBe('text=a&sort=-name&role=admin');
  });

  it('counts conditions and reads orders', () => {
    expect(conditionCount(readListState({ text: ' ', role: 'admin' }, filters, null))).toBe(1);
    expect(sortOf('-started_at')).toEqual({ field: 'started_at', descending: true });
    expect(sortOf('name')).toEqual({ field: 'name', descending: false });
    expect(sortOf('')).toBeNull();
  });
});
