import type { IBuffer, IBufferCell, IBufferLine, Terminal } from '@xterm/xterm';
import type { Tracked } from './tracker';

/** No colours and no manner. */
const NONE = '\x1b[0m';

/** Text that draws on an emptied terminal of the same size what this one shows, and leaves it in the same state. */
export function describeTerminal(terminal: Terminal, tracked: Tracked): string {
  const { normal, alternate, active } = terminal.buffer;
  const parts = [drawn(normal, terminal), stateOf(normal, terminal, tracked, 'normal')];
  if (active.type === 'alternate') {
    // Saves the cursor and the colours, as it did then; and is filled with the ground of then.
    parts.push(`\x1b[?1049h${NONE}\x1b[2J`, drawn(alternate, terminal), stateOf(alternate, terminal, tracked, 'alternate'));
  }
  if (tracked.lines) parts.push('\x1b(0');
  if (tracked.hidden) parts.push('\x1b[?25l');
  if (tracked.inserts) parts.push('\x1b[4h');
  if (tracked.noWrap) parts.push('\x1b[?7l');
  return parts.join('');
}

/** The cells of a buffer, each row from its beginning; a full row must not begin the next one. */
function drawn(buffer: IBuffer, { rows, cols }: Terminal): string {
  const parts = ['\x1b[?7l'];
  const cell = buffer.getNullCell();
  let style = '';
  for (let y = 0; y < rows; y++) {
    const line = buffer.getLine(buffer.baseY + y);
    if (line === undefined) continue;
    const row = rowOf(line, cols, cell, style);
    style = row.style;
    if (row.text !== '') parts.push(`\x1b[${y + 1};1H`, row.text);
  }
  parts.push('\x1b[0m\x1b[?7h');
  return parts.join('');
}

function rowOf(line: IBufferLine, cols: number, cell: IBufferCell, before: string): { text: string; style: string } {
  const parts: string[] = [];
  let style = before;
  /** Columns to be passed over, and those of them to be erased with the ground of now. */
  let ahead = 0;
  let erased = 0;
  const pass = () => {
    if (erased > 0) parts.push(`\x1b[${erased}X`);
    if (ahead > 0) parts.push(`\x1b[${ahead}C`);
    ahead = erased = 0;
  };
  for (let x = 0; x < cols; x++) {
    if (line.getCell(x, cell) === undefined || cell.getWidth() === 0) continue;
    const letters = cell.getChars();
    const own = styleOf(cell);
    const plain = letters === '' && own === NONE;
    // An empty cell with a ground is erased, not written.
    if (letters !== '' || plain !== (erased === 0) || (!plain && own !== style)) pass();
    if (!plain && own !== style) parts.push((style = own));
    if (letters !== '') parts.push(letters);
    else ahead++;
    if (letters === '' && !plain) erased++;
  }
  if (erased > 0) pass();
  return { text: parts.join(''), style };
}

/** What holds for a buffer beside its cells: saved cursor, scroll region, colours, cursor. */
function stateOf(buffer: IBuffer, terminal: Terminal, tracked: Tracked, name: 'normal' | 'alternate'): string {
  const parts: string[] = [];
  const { region, saved } = tracked[name];
  // While the other buffer is shown, the saved cursor is the one that will be come back to.
  if (saved !== null) parts.push(`\x1b[${saved.y + 1};${Math.min(saved.x, terminal.cols - 1) + 1}H`, ...saved.colours, '\x1b7\x1b[0m');
  if (region !== null) parts.push(`\x1b[${region[0]};${region[1]}r`);
  const left = name === 'normal' && terminal.buffer.active.type === 'alternate';
  const colours = left ? (saved?.colours ?? []) : tracked.colours;
  const top = tracked.origin && region !== null ? region[0] : 1;
  if (tracked.origin && !left) parts.push('\x1b[?6h');
  parts.push(cursorOf(buffer, terminal, left || !tracked.origin ? 1 : top), ...colours);
  return parts.join('');
}

/** Puts the cursor; behind a full row it waits to wrap, and only a letter brings it there. */
function cursorOf(buffer: IBuffer, { cols }: Terminal, top: number): string {
  const row = buffer.cursorY + 2 - top;
  if (buffer.cursorX < cols) return `\x1b[${row};${buffer.cursorX + 1}H`;
  const line = buffer.getLine(buffer.baseY + buffer.cursorY);
  const at = line?.getCell(cols - 1)?.getWidth() === 0 ? cols - 2 : cols - 1;
  const cell = line?.getCell(at);
  const letters = cell?.getChars() || ' ';
  return `\x1b[${row};${at + 1}H${cell ? styleOf(cell) : ''}${letters}\x1b[0m`;
}

/** The sequence for a cell's colours and manner, from nothing. */
function styleOf(cell: IBufferCell): string {
  if (cell.isAttributeDefault()) return NONE;
  const codes = ['0'];
  if (cell.isBold()) codes.push('1');
  if (cell.isDim()) codes.push('2');
  if (cell.isItalic()) codes.push('3');
  if (cell.isUnderline()) codes.push('4');
  if (cell.isBlink()) codes.push('5');
  if (cell.isInverse()) codes.push('7');
  if (cell.isInvisible()) codes.push('8');
  if (cell.isStrikethrough()) codes.push('9');
  if (cell.isOverline()) codes.push('53');
  if (cell.isFgPalette()) codes.push(`38;5;${cell.getFgColor()}`);
  else if (cell.isFgRGB()) codes.push(`38;2;${rgb(cell.getFgColor())}`);
  if (cell.isBgPalette()) codes.push(`48;5;${cell.getBgColor()}`);
  else if (cell.isBgRGB()) codes.push(`48;2;${rgb(cell.getBgColor())}`);
  return `\x1b[${codes.join(';')}m`;
}

function rgb(colour: number): string {
  return `${(colour >> 16) & 255};${(colour >> 8) & 255};${colour & 255}`;
}
