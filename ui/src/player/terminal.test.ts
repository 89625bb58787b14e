import { expect, test, vi } from 'vitest';
import { XtermScreen } from './terminal';

// What xterm asks of a browser when it is loaded, and jsdom has not.
vi.hoisted(() => {
  HTMLCanvasElement.prototype.getContext = () => null;
  window.matchMedia ??= (() => ({ matches: false, addListener: () => undefined, removeListener: () => undefined, addEventListener: () => undefined, removeEventListener: () => undefined })) as never;
});

const draw = (screen: XtermScreen, text: string) => new Promise<void>((resolve) => screen.write(text, resolve));

function rows(screen: XtermScreen): string[] {
  const { active } = screen.terminal.buffer;
  return Array.from({ length: screen.terminal.rows }, (_, i) => active.getLine(active.baseY + i)?.translateToString(true) ?? '');
}

test.each([
  ['colours and places', '\x1b[31mred\x1b[0m\r\n\x1b[5;10Hhere\x1b[1;44m', 'bold'],
  ['the other buffer', 'shell$ vi\r\n\x1b[?1049h\x1b[2J\x1b[3;3Hin vi', ' more\x1b[?1049l back'],
  ['a scroll region', '\x1b[2;4r\x1b[1;1Htop\x1b[4;1Hlast', '\r\nnext\r\nnext'],
  ['characters for lines', '\x1b(0lqqk', 'x\x1b(Bx'],
  ['a hidden cursor', 'x\x1b[?25l', 'y\x1b[?25hz'],
])('a screen drawn from its description goes on as the first: %s', async (_, before, after) => {
  const first = new XtermScreen();
  first.reset(40, 10);
  await draw(first, before);
  const second = new XtermScreen();
  second.reset(40, 10);
  await draw(second, first.describe());
  expect(rows(second)).toEqual(rows(first));
  await draw(first, after);
  await draw(second, after);
  expect(rows(second)).toEqual(rows(first));
  expect([second.terminal.buffer.active.cursorX, second.terminal.buffer.active.cursorY]).toEqual([first.terminal.buffer.active.cursorX, first.terminal.buffer.active.cursorY]);
  expect(second.describe()).toBe(first.describe());
});

test('titles, links and the clipboard are left alone', async () => {
  const screen = new XtermScreen();
  screen.reset(40, 5);
  let titles = 0;
  screen.terminal.onTitleChange(() => titles++);
  await draw(screen, '\x1b]0;title\x07\x1b]52;c;aGk=\x07\x1b]8;;https://example.org\x07link\x1b]8;;\x07');
  expect(titles).toBe(0);
  expect(rows(screen)[0]).toBe('link');
});
