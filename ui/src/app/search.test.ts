import { describe, expect, it } from 'vitest';
import { localPath, parseSearch, stringifySearch, withSearch } from './search';

describe('the query of an address', () => {
  it('is read and written as plain text', () => {
    expect(parseSearch('?text=a%20b&limit=50&active=true')).toEqual({ text: 'a b', limit: '50', active: 'true' });
    expect(stringifySearch({ text: 'a b', limit: 50, none: undefined, empty: '' })).toBe('?text=a+b&limit=50');
    expect(stringifySearch({})).toBe('');
    const search = { from: '10.0.0.0/8', text: 'é&=' };
    expect(parseSearch(stringifySearch(search))).toEqual(search);
  });

  it('loses what is set to nothing', () => {
    expect(withSearch({ a: '1', cursor: 'x' }, { b: '2', cursor: undefined, a: '' })).toEqual({ b: '2' });
  });

  it('leads to no other site', () => {
    expect(localPath('/people?text=a')).toBe('/people?text=a');
    for (const elsewhere of [undefined, '', 'https://evil.example', '//evil.example', '/\\evil.example', 'javascript:alert(1)', '/a b']) {
      expect(localPath(elsewhere)).toBe('/');
    }
  });
});
