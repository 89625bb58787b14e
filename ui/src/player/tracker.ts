import type { Terminal } from '@xterm/xterm';

type Params = readonly (number | number[])[];

interface Cursor {
  x: number;
  y: number;
  colours: string[];
}

/** What is known of one of the two buffers. */
interface BufferState {
  /** The rows that scroll, from 1; null: all. */
  region: [top: number, bottom: number] | null;
  saved: Cursor | null;
}

/** Sequences that set colours, remembered at most: programs begin anew long before. */
const MOST_COLOURS = 200;
/** Modes in which a terminal tells programs of the mouse and the focus; the mouse is for marking text here. */
const MOUSE_MODES = new Set([9, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016]);
/** Modes that show the other buffer; the last saves the cursor as well. */
const OTHER_BUFFER = new Set([47, 1047, 1049]);

/** The state of a terminal that its interface does not tell. Watches sequences on their way, and leaves them to the terminal. */
export class Tracked {
  normal: BufferState = { region: null, saved: null };
  alternate: BufferState = { region: null, saved: null };
  /** The sequences that made the colours of now, from none. */
  colours: string[] = [];
  hidden = false;
  /** Letters stand for lines (the set that `ESC ( 0` chooses). */
  lines = false;
  origin = false;
  inserts = false;
  noWrap = false;

  constructor(private readonly terminal: Terminal) {
    const { parser } = terminal;
    const watch = (see: (params: Params) => void) => (params: (number | number[])[]) => {
      see(params);
      return false;
    };
    const seen = (see: () => void) => () => {
      see();
      return false;
    };
    parser.registerCsiHandler({ final: 'm' }, watch((params) => this.colour(params)));
    parser.registerCsiHandler({ final: 'r' }, watch((params) => this.setRegion(params)));
    parser.registerCsiHandler({ prefix: '?', final: 'h' }, (params) => this.privateMode(params, true));
    parser.registerCsiHandler({ prefix: '?', final: 'l' }, (params) => this.privateMode(params, false));
    parser.registerCsiHandler({ final: 'h' }, watch((params) => params.includes(4) && (this.inserts = true)));
    parser.registerCsiHandler({ final: 'l' }, watch((params) => params.includes(4) && (this.inserts = false)));
    parser.registerEscHandler({ final: '7' }, seen(() => this.save()));
    parser.registerCsiHandler({ final: 's' }, seen(() => this.save()));
    parser.registerEscHandler({ final: '8' }, seen(() => this.restore()));
    parser.registerCsiHandler({ final: 'u' }, seen(() => this.restore()));
    parser.registerEscHandler({ intermediates: '(', final: '0' }, seen(() => (this.lines = true)));
    parser.registerEscHandler({ intermediates: '(', final: 'B' }, seen(() => (this.lines = false)));
    parser.registerEscHandler({ final: 'c' }, seen(() => this.forget()));
    parser.registerCsiHandler({ intermediates: '!', final: 'p' }, seen(() => this.forget()));
  }

  forget(): void {
    this.normal = { region: null, saved: null };
    this.alternate = { region: null, saved: null };
    this.colours = [];
    this.hidden = this.lines = this.origin = this.inserts = this.noWrap = false;
  }

  resized(): void {
    this.normal.region = null;
    this.alternate.region = null;
  }

  private get shown(): BufferState {
    return this.terminal.buffer.active.type === 'normal' ? this.normal : this.alternate;
  }

  private colour(params: Params): void {
    const first = params.length === 0 || params[0] === 0;
    // Parts of one value come as a list after it; -1 is one that was left empty.
    const partsOf = (param: number[]) => param.map((part) => (part < 0 ? ':' : `:${part}`)).join('');
    const codes = params.map((param, i) => (Array.isArray(param) ? partsOf(param) : `${i > 0 ? ';' : ''}${param}`)).join('');
    const none = first && params.length <= 1;
    this.colours = none ? [] : [...(first ? [] : this.colours), `\x1b[${codes}m`].slice(-MOST_COLOURS);
  }

  private setRegion(params: Params): void {
    const { rows } = this.terminal;
    const top = Number(params[0] ?? 1) || 1;
    const given = Number(params[1] ?? 0);
    const bottom = given === 0 || given > rows ? rows : given;
    if (top < bottom) this.shown.region = top === 1 && bottom === rows ? null : [top, bottom];
  }

  private save(): void {
    const { cursorX: x, cursorY: y } = this.terminal.buffer.active;
    this.shown.saved = { x, y, colours: [...this.colours] };
  }

  private restore(): void {
    this.colours = [...(this.shown.saved?.colours ?? [])];
  }

  private privateMode(params: Params, set: boolean): boolean {
    for (const param of params) {
      if (param === 25) this.hidden = !set;
      else if (param === 6) this.origin = set;
      else if (param === 7) this.noWrap = !set;
      else if (param === 1048) set ? this.save() : this.restore();
      else if (OTHER_BUFFER.has(Number(param))) this.otherBuffer(Number(param), set);
    }
    return params.every((param) => MOUSE_MODES.has(Number(param)));
  }

  /** What the other buffer held is gone when it is left. */
  private otherBuffer(mode: number, set: boolean): void {
    if (set) {
      if (mode === 1049) this.save();
      return;
    }
    if (this.shown === this.alternate) this.alternate = { region: null, saved: null };
    if (mode === 1049) this.colours = [...(this.normal.saved?.colours ?? [])];
  }
}
