/** A piece of what was typed: text as it is, or the name of a key. */
export interface Typed {
  kind: 'text' | 'key';
  text: string;
}

/** What follows `ESC [` or `ESC O`, without modifiers. */
const FINALS: Record<string, string> = {
  A: '↑', B: '↓', C: '→', D: '←', H: 'Home', F: 'End', Z: 'Shift+Tab', P: 'F1', Q: 'F2', R: 'F3', S: 'F4', M: 'Enter', I: 'focus', O: 'blur',
};
/** What stands before `~`. */
const TILDES: Record<string, string> = {
  '1': 'Home', '2': 'Insert', '3': 'Delete', '4': 'End', '5': 'PgUp', '6': 'PgDn', '7': 'Home', '8': 'End', '11': 'F1', '12': 'F2', '13': 'F3', '14': 'F4',
  '15': 'F5', '17': 'F6', '18': 'F7', '19': 'F8', '20': 'F9', '21': 'F10', '23': 'F11', '24': 'F12', '200': 'paste', '201': 'end of paste',
};
const CONTROLS: Record<string, string> = {
  '\r': 'Enter', '\n': 'Enter', '\t': 'Tab', '\x7f': 'Backspace', '\b': 'Ctrl+H', '\x1b': 'Esc', '\0': 'Ctrl+Space',
  '\x1c': 'Ctrl+\\', '\x1d': 'Ctrl+]', '\x1e': 'Ctrl+^', '\x1f': 'Ctrl+_',
};
/** The modifiers of a sequence are one more than the sum of 1 Shift, 2 Alt, 4 Ctrl, 8 Meta (xterm's ctlseqs, "PC-Style Function Keys"). */
const MODIFIERS = ['Shift', 'Alt', 'Ctrl', 'Meta'];

const SEQUENCE = /^\x1b(?:\[([0-9;<?]*)([@-~])|O([A-Za-z]))/;

/** Makes what a keyboard sent readable. What is not known is written as it came, so that nothing is hidden. */
export function readKeys(input: string): Typed[] {
  const found: Typed[] = [];
  let rest = input;
  while (rest !== '') {
    const { typed, length } = readOne(rest);
    const last = found[found.length - 1];
    if (typed.kind === 'text' && last?.kind === 'text') last.text += typed.text;
    else found.push(typed);
    rest = rest.slice(length);
  }
  return found;
}

function readOne(rest: string): { typed: Typed; length: number } {
  const sequence = SEQUENCE.exec(rest);
  if (sequence !== null) return { typed: key(nameOf(sequence)), length: sequence[0].length };
  const point = rest.codePointAt(0) ?? 0;
  const first = String.fromCodePoint(point);
  if (first === '\x1b' && rest.length > 1) {
    const next = readOne(rest.slice(1));
    if (next.typed.text !== 'Esc') return { typed: key(`Alt+${next.typed.text}`), length: 1 + next.length };
  }
  const control = CONTROLS[first];
  if (control !== undefined) return { typed: key(control), length: 1 };
  if (point < 0x20) return { typed: key(`Ctrl+${String.fromCharCode(point + 0x40)}`), length: 1 };
  // Nothing that cannot be seen or turns the direction of text.
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(first)) return { typed: key(`U+${point.toString(16).toUpperCase().padStart(4, '0')}`), length: first.length };
  return { typed: { kind: 'text', text: first }, length: first.length };
}

function key(text: string): Typed {
  return { kind: 'key', text };
}

function nameOf([whole, params = '', final = '', single]: RegExpExecArray): string {
  if (single !== undefined) return FINALS[single] ?? readable(whole);
  const [first = '', modifier] = params.split(';');
  const name = final === '~' ? TILDES[first] : /^[0-9;]*$/.test(params) ? FINALS[final] : undefined;
  if (params.startsWith('<')) return 'mouse';
  return name === undefined ? readable(whole) : [...modifiersOf(modifier), name].join('+');
}

function modifiersOf(text: string | undefined): string[] {
  const bits = Number(text ?? 1) - 1;
  return Number.isInteger(bits) && bits > 0 ? MODIFIERS.filter((_, at) => (bits >> at) & 1) : [];
}

function readable(sequence: string): string {
  return sequence.replace('\x1b', 'Esc ');
}
