import { describe, expect, test } from 'vitest';
import { drawnMarks, markNear, type Mark } from './marks';
import { findLines, highlight, lineAt, nextHit, queryWords } from './transcript';

const lines = [{ t: 1, text: 'one' }, { t: 2, text: 'Two two' }, { t: 2, text: 'three' }, { t: 5, text: 'TWO' }];

test('lines are found by time and by words', () => {
  expect([lineAt(lines, 0), lineAt(lines, 1), lineAt(lines, 2), lineAt(lines, 99), lineAt([], 3)]).toEqual([-1, 0, 2, 3, -1]);
  expect(findLines(lines, ' two ')).toEqual([1, 3]);
  expect(findLines(lines, ' ')).toEqual([]);
});

test('hits are gone through in a round', () => {
  expect([nextHit([1, 3], 1, 1), nextHit([1, 3], 3, 1), nextHit([1, 3], 1, -1), nextHit([1, 3], 2, -1), nextHit([], 0, 1)]).toEqual([3, 1, 3, 1, null]);
});

describe('highlighting', () => {
  const shown = (text: string, words: string[]) => highlight(text, words).map(({ text: piece, hit }) => (hit ? `[${piece}]` : piece)).join('');

  test.each([
    ['rm -rf /tmp', ['rm'], '[rm] -rf /tmp'],
    ['Sudo su - root', ['su', 'sudo'], '[Sudo] [su] - root'],
    ['a.b a+b', ['a.b'], '[a.b] a+b'],
    ['-rf [x]', ['-rf', '[x]'], '[-rf] [[x]]'],
    ['nothing', ['x'], 'nothing'],
    ['nothing', [], 'nothing'],
    ['', ['x'], ''],
    ['ÜNAL ünal', ['ünal'], '[ÜNAL] [ünal]'],
    ['a/b\\c', ['/b\\'], 'a[/b\\]c'],
  ])('%s with %j', (text, words, want) => expect(shown(text, words)).toBe(want));

  test('is text, whatever the target wrote', () => {
    const text = '<img src=x onerror=alert(1)>';
    expect(highlight(text, ['img']).map((piece) => piece.text).join('')).toBe(text);
  });

  test('takes the words of a query', () => {
    expect(queryWords('rm "two words" AND -not pass* (x)')).toEqual(['rm', 'two words', 'pass', 'x']);
    expect(queryWords('  ')).toEqual([]);
  });
});

describe('marks', () => {
  const mark = (t: number, kind: Mark['kind'] = 'resize'): Mark => ({ t, kind, text: '' });

  test('the nearest within reach', () => {
    const marks = [mark(1), mark(5), mark(6)];
    expect(markNear(marks, 5.4, 1)?.t).toBe(5);
    expect(markNear(marks, 3, 1)).toBeNull();
  });

  test('where there are too many, the rare ones stay', () => {
    const marks = [...Array.from({ length: 5_000 }, (_, i) => mark(i)), mark(2.5, 'warning')];
    const drawn = drawnMarks(marks);
    expect(drawn.length).toBe(600);
    expect(drawn.some(({ kind }) => kind === 'warning')).toBe(true);
    expect(drawn.map(({ t }) => t)).toEqual(drawn.map(({ t }) => t).sort((a, b) => a - b));
  });
});
