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

/** A small generator with a seed, so that a failure can be repeated (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

test('wherever a recording is cut, the rest is drawn as if it had not been', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const next = random(seed);
    // Of a wide letter that was half overwritten not every detail is kept.
    const wide = seed % 2 === 0;
    const number = (most: number) => 1 + Math.floor(next() * most);
    const parts = [
      () => `word${number(99)} `,
      () => '\r\n',
      () => `\x1b[${number(12)};${number(40)}H`,
      () => `\x1b[${[0, 1, 4, 7, 31, 42, 95][number(7) - 1]}m`,
      () => `\x1b[38;5;${number(255)}m`,
      () => '\x1b[K',
      () => `\x1b[${number(3)}L`,
      () => `\x1b[${number(3)}M`,
      () => '\x1bM',
      () => (wide ? '漢字' : 'ab'),
      () => (next() < 0.1 ? '\x1b[?1049h\x1b[2J' : next() < 0.1 ? '\x1b[?1049l' : ''),
      () => (next() < 0.3 ? `\x1b[${number(4)};${6 + number(6)}r` : ''),
      () => ['\x1b7', '\x1b8', '\x1b[?6h', '\x1b[?6l', '\x1b[4h', '\x1b[4l', '\x1b[?7l', '\x1b[?7h'][number(8) - 1],
      () => `\x1b[38:2::${number(255)}:0:9;48;2;1;${number(255)};3m`,
    ];
    const pieces = Array.from({ length: 120 }, () => parts[number(parts.length) - 1]?.() ?? '');
    const cut = number(pieces.length);
    const [first, second] = [new XtermScreen(), new XtermScreen()];
    first.reset(40, 12);
    await draw(first, pieces.slice(0, cut).join(''));
    second.reset(40, 12);
    await draw(second, first.describe());
    expect(rows(second), `seed ${seed}, at the cut ${cut}`).toEqual(rows(first));
    if (!wide) expect(second.describe() === first.describe(), `seed ${seed}, described at ${cut}`).toBe(true);
    for (const screen of [first, second]) await draw(screen, pieces.slice(cut).join(''));
    expect(rows(second), `seed ${seed}, after the cut ${cut}`).toEqual(rows(first));
  }
});
