import { SerializeAddon } from '@xterm/addon-serialize';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { Terminal, type ITerminalOptions } from '@xterm/xterm';
import type { Describable } from './screen';

/** The terminal's own colours, the same in both schemes: what a person saw was most likely dark. */
export const TERMINAL_THEME = {
  background: '#0b1110', foreground: '#d6e2de', cursor: '#d9a441', cursorAccent: '#0b1110', selectionBackground: '#2f5d52',
  black: '#1b2825', red: '#ec7766', green: '#6cc29b', yellow: '#e0b355', blue: '#78a9e6', magenta: '#cf8fd6', cyan: '#62c4c4', white: '#c9d6d2',
  brightBlack: '#72847e', brightRed: '#f59a8c', brightGreen: '#8fdcb8', brightYellow: '#f0cd82', brightBlue: '#9fc5f5', brightMagenta: '#e2b1e7',
  brightCyan: '#8adddd', brightWhite: '#f2f7f5',
};

const OPTIONS: ITerminalOptions = {
  scrollback: 0,
  disableStdin: true,
  cursorBlink: false,
  cursorInactiveStyle: 'block',
  allowProposedApi: true,
  // What a target writes leads nowhere, whatever it says.
  linkHandler: { activate: () => undefined },
  windowOptions: {},
  logLevel: 'off',
  theme: TERMINAL_THEME,
  fontFamily: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
};

/** Operating system commands that are swallowed: titles, icons, links, clipboard, colours, notices. */
const SWALLOWED_OSC = [0, 1, 2, 4, 7, 8, 9, 10, 11, 12, 50, 52, 104, 110, 111, 112, 133, 633, 777, 1337];

/** Modes in which a terminal tells programs of the mouse and the focus; the mouse is for marking text here. */
const MOUSE_MODES = new Set([9, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016]);

/** xterm as a screen. Not opened, it draws where nobody sees it. */
export class XtermScreen implements Describable {
  readonly terminal: Terminal;
  private readonly serializer = new SerializeAddon();
  /** What the serializer leaves out: the scroll region, the hidden cursor, and the character set for lines. */
  private region: [top: number, bottom: number] | null = null;
  private hidden = false;
  private lines = false;

  constructor() {
    this.terminal = new Terminal(OPTIONS);
    this.terminal.loadAddon(this.serializer);
    this.terminal.loadAddon(new Unicode11Addon());
    this.terminal.unicode.activeVersion = '11';
    for (const number of SWALLOWED_OSC) this.terminal.parser.registerOscHandler(number, () => true);
    this.observe();
  }

  reset(cols: number, rows: number): void {
    this.terminal.reset();
    this.forget();
    this.terminal.resize(cols, rows);
  }

  resize(cols: number, rows: number): void {
    this.region = null;
    this.terminal.resize(cols, rows);
  }

  write(text: string, done: () => void): void {
    this.terminal.write(text, done);
  }

  describe(): string {
    const parts = [this.serializer.serialize({ scrollback: 0 })];
    const { cursorX, cursorY } = this.terminal.buffer.active;
    // Setting a region moves the cursor.
    if (this.region !== null) parts.push(`\x1b[${this.region[0]};${this.region[1]}r\x1b[${cursorY + 1};${cursorX + 1}H`);
    if (this.lines) parts.push('\x1b(0');
    if (this.hidden) parts.push('\x1b[?25l');
    return parts.join('');
  }

  dispose(): void {
    this.terminal.dispose();
  }

  private forget(): void {
    this.region = null;
    this.hidden = false;
    this.lines = false;
  }

  /** Notes what passes, and leaves it to the terminal. */
  private observe(): void {
    const { parser } = this.terminal;
    parser.registerCsiHandler({ final: 'r' }, (params) => this.setRegion(params));
    parser.registerCsiHandler({ prefix: '?', final: 'h' }, (params) => this.setHidden(params, false));
    parser.registerCsiHandler({ prefix: '?', final: 'l' }, (params) => this.setHidden(params, true));
    parser.registerEscHandler({ intermediates: '(', final: '0' }, () => this.setLines(true));
    parser.registerEscHandler({ intermediates: '(', final: 'B' }, () => this.setLines(false));
    parser.registerEscHandler({ final: 'c' }, () => {
      this.forget();
      return false;
    });
    parser.registerCsiHandler({ intermediates: '!', final: 'p' }, () => {
      this.forget();
      return false;
    });
  }

  private setRegion(params: (number | number[])[]): boolean {
    const top = Math.max(1, Number(params[0] ?? 1) || 1);
    const given = Number(params[1] ?? 0) || this.terminal.rows;
    const bottom = Math.min(given, this.terminal.rows);
    if (top < bottom) this.region = top === 1 && bottom === this.terminal.rows ? null : [top, bottom];
    return false;
  }

  private setHidden(params: (number | number[])[], hidden: boolean): boolean {
    if (params.includes(25)) this.hidden = hidden;
    return params.every((param) => MOUSE_MODES.has(Number(param)));
  }

  private setLines(lines: boolean): boolean {
    this.lines = lines;
    return false;
  }
}
