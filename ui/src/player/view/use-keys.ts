import { useEffect } from 'react';
import type { Engine } from '../engine';

export interface KeyTargets {
  engine: Engine;
  toggleFull: () => void;
  leaveFull: () => void;
  toggleTyped: () => void;
  toggleTranscript: () => void;
  /** The speed was changed. */
  setSpeed: (speed: number) => void;
}

/** What a key does. Answers whether it did anything. */
export function pressed(key: string, shift: boolean, targets: KeyTargets): boolean {
  const { engine } = targets;
  const by = (seconds: number) => engine.seek(engine.snapshot().position + seconds);
  const speed = (direction: 1 | -1) => {
    engine.shiftSpeed(direction);
    targets.setSpeed(engine.snapshot().speed);
  };
  const acts: Record<string, () => void> = {
    ' ': () => engine.toggle(),
    ArrowLeft: () => by(shift ? -60 : -5),
    ArrowRight: () => by(shift ? 60 : 5),
    Home: () => engine.seek(engine.snapshot().begin),
    End: () => engine.seek(engine.snapshot().end),
    ',': () => engine.step(-1),
    '.': () => engine.step(1),
    '[': () => speed(-1),
    ']': () => speed(1),
    f: targets.toggleFull,
    l: () => engine.goLive(),
    i: targets.toggleTyped,
    t: targets.toggleTranscript,
    Escape: targets.leaveFull,
  };
  if (!Object.hasOwn(acts, key)) return false;
  acts[key]?.();
  return true;
}

/** Elements that keys belong to before the player. */
const OTHERS = 'input, textarea, select, [contenteditable], [role="dialog"], [role="menu"], [role="listbox"], [role="tab"]';
/** Elements that the space bar belongs to. */
const PRESSED = 'button, a, summary, [role="button"], [role="switch"]';

export function usePlayerKeys(targets: KeyTargets): void {
  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const target = event.target instanceof Element ? event.target : null;
      // xterm's hidden field takes the focus when one marks text.
      if (target !== null && target.closest('.xterm') === null) {
        if (target.closest(OTHERS) !== null && event.key !== 'Escape') return;
        if (event.key === ' ' && target.closest(PRESSED) !== null) return;
      }
      // These scroll the page, except at the scrubber.
      if (/^(Home|End)$/.test(event.key) && target?.closest('[role="slider"]') === null) return;
      if (document.querySelector('[role="dialog"], [role="menu"]') !== null) return;
      if (pressed(event.key, event.shiftKey, targets) && event.key !== 'Escape') event.preventDefault();
    };
    document.addEventListener('keydown', down);
    return () => document.removeEventListener('keydown', down);
  }, [targets]);
}
