import type { GrantValues } from './values';

/** What was entered survives a reload and a sign-in in between, in this tab. */

const key = (name: string) => `gatehouse-grant:${name}`;

export function readDraft(name: string): GrantValues | null {
  try {
    const text = sessionStorage.getItem(key(name));
    return text === null ? null : (JSON.parse(text) as GrantValues);
  } catch {
    return null;
  }
}

export function keepDraft(name: string, values: GrantValues | null): void {
  try {
    if (values === null) sessionStorage.removeItem(key(name));
    else sessionStorage.setItem(key(name), JSON.stringify(values));
  } catch {
    // Storage may be off or full; the wizard works without.
  }
}
