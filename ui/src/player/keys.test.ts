import { expect, test } from 'vitest';
import { readKeys } from './keys';

const words = (input: string) => readKeys(input).map(({ kind, text }) => (kind === 'key' ? `<${text}>` : text)).join('');

test.each([
  ['ls -la\r', 'ls -la<Enter>'],
  ['\x1b[A\x1bOB\x1b[C\x1b[D', '<↑><↓><→><←>'],
  ['\x03\x04\x1a\x12', '<Ctrl+C><Ctrl+D><Ctrl+Z><Ctrl+R>'],
  ['vi\tx\x7f', 'vi<Tab>x<Backspace>'],
  ['\x1b[5~\x1b[6~\x1b[3~', '<PgUp><PgDn><Delete>'],
  ['\x1b[1;5C\x1b[1;2A\x1b[3;3~', '<Ctrl+→><Shift+↑><Alt+Delete>'],
  ['\x1bf\x1b\x7f', '<Alt+f><Alt+Backspace>'],
  ['\x1b', '<Esc>'],
  ['\x1b\x1b', '<Esc><Esc>'],
  ['\x1bOP\x1b[24~', '<F1><F12>'],
  ['\x1b[200~hello\x1b[201~', '<paste>hello<end of paste>'],
  ['\x1b[<0;10;5M', '<mouse>'],
  ['\x1b[?1;2c', '<Esc [?1;2c>'],
  ['zażółć 😀', 'zażółć 😀'],
  ['a\u202eb\u0085', 'a<U+202E>b<U+0085>'],
  ['', ''],
])('%j reads %s', (input, want) => expect(words(input)).toBe(want));

test('nothing that was typed is lost in a long text', () => {
  const text = 'echo '.repeat(10_000);
  expect(words(text)).toBe(text);
});
