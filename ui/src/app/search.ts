/** The query of an address as plain strings, so that links can be written by hand and read by people. */
export type Search = Record<string, string | undefined>;

export function parseSearch(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text));
}

/** The inverse; what is empty or undefined is left out. */
export function stringifySearch(search: Record<string, unknown>): string {
  const all = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (value !== undefined && value !== null && value !== '') all.set(key, String(value));
  }
  const text = all.toString();
  return text === '' ? '' : `?${text}`;
}

/** Changes some of an address's parameters; `undefined` and `''` take one away. */
export function withSearch(search: Search, changes: Search): Search {
  const after: Search = { ...search, ...changes };
  return Object.fromEntries(Object.entries(after).filter(([, value]) => value !== undefined && value !== ''));
}

/** A path within the page, or `/`: what a return address says must not lead to another site. */
export function localPath(to: string | undefined): string {
  return to !== undefined && /^\/(?![/\\])[^\s\\]*$/.test(to) ? to : '/';
}
