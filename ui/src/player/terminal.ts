import { Unicode11Addon } from '@xterm/addon-unicode11';
import { Terminal, type ITerminalOptions } from '@xterm/xterm';
import { describeTerminal } from './describe';
import type { Describable } from './screen';
import { Tracked } from './tracker';

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

/** xterm as a screen. Not opened, it draws where nobody sees it. */
export class XtermScreen implements Describable {
  readonly terminal = new Terminal(OPTIONS);
  private readonly tracked = new Tracked(this.terminal);

  constructor() {
    this.terminal.loadAddon(new Unicode11Addon());
    this.terminal.unicode.activeVersion = '11';
    for (const number of SWALLOWED_OSC) this.terminal.parser.registerOscHandler(number, () => true);
  }

  reset(cols: number, rows: number): void {
    this.terminal.reset();
    this.tracked.forget();
    this.terminal.resize(cols, rows);
  }

  resize(cols: number, rows: number): void {
    this.tracked.resized();
    this.terminal.resize(cols, rows);
  }

  write(text: string, done: () => void): void {
    this.terminal.write(text, done);
  }

  describe(): string {
    return describeTerminal(this.terminal, this.tracked);
  }

  dispose(): void {
    this.terminal.dispose();
  }
}
