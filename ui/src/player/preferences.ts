import { useState } from 'react';

/** How a person likes to look at recordings; kept in the browser. */
export interface Preferences {
  speed: number;
  skipIdle: boolean;
  /** What is idle (s). */
  maxIdle: number;
  transcript: boolean;
  typed: boolean;
}

const KEY = 'gatehouse-player';
const USUAL: Preferences = { speed: 1, skipIdle: true, maxIdle: 5, transcript: true, typed: false };

export function readPreferences(text: string | null): Preferences {
  try {
    const given = JSON.parse(text ?? '{}') as Record<string, unknown>;
    const kept = Object.entries(USUAL).map(([name, usual]) => [name, typeof given[name] === typeof usual ? given[name] : usual]);
    return Object.fromEntries(kept) as unknown as Preferences;
  } catch {
    return USUAL;
  }
}

export function usePreferences(): [Preferences, (changes: Partial<Preferences>) => void] {
  const [preferences, set] = useState(load);
  const change = (changes: Partial<Preferences>) => {
    const next = { ...preferences, ...changes };
    set(next);
    try {
      localStorage.setItem(KEY, JSON.stringify(next));
    } catch {
      // Storage may be off; the wish counts for this page then.
    }
  };
  return [preferences, change];
}

function load(): Preferences {
  try {
    return readPreferences(localStorage.getItem(KEY));
  } catch {
    return USUAL;
  }
}
