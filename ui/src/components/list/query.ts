import type { Query } from '@/api/client';
import type { Search } from '@/app/search';

/** A filter of a list; its name is the API's. */
export type Filter =
  | { name: string; label: string; kind: 'choice'; options: readonly { value: string; label: string }[] }
  | { name: string; label: string; kind: 'text'; placeholder?: string; mono?: boolean }
  /** An instant, entered in the viewer's zone. */
  | { name: string; label: string; kind: 'instant' };

export interface ListState {
  text: string;
  sort: string | null;
  limit: number;
  cursor: string | null;
  filters: Record<string, string>;
}

export const PAGE_SIZES = [25, 50, 100, 200];
const USUAL_LIMIT = 50;

/** Reads what an address says about a list. What makes no sense counts as absent. */
export function readListState(search: Search, filters: readonly Filter[], sort: string | null): ListState {
  const limit = Number(search.limit);
  const set: Record<string, string> = {};
  for (const { name } of filters) {
    const value = search[name];
    if (value !== undefined && value !== '') set[name] = value;
  }
  return {
    text: search.text ?? '',
    sort: search.sort ?? sort,
    limit: PAGE_SIZES.includes(limit) ? limit : USUAL_LIMIT,
    cursor: search.cursor ?? null,
    filters: set,
  };
}

/** What to ask the API. `fixed` are conditions of the page itself and win over the address. */
export function apiQuery(state: ListState, fixed: Query = {}): Query {
  return { ...conditions(state, fixed), sort: state.sort, limit: state.limit, cursor: state.cursor };
}

/** The same without which part and in which order, for counts and exports. */
export function conditions(state: ListState, fixed: Query = {}): Query {
  return { ...state.filters, text: state.text.trim(), ...fixed };
}

/** Any change of what is listed begins at its first page. */
export function changed(changes: Search): Search {
  return { ...changes, cursor: undefined };
}

/** The part of an address that a saved view keeps: what is listed, not which page of it. */
export function viewQuery(search: Search, filters: readonly Filter[]): string {
  const kept = new URLSearchParams();
  for (const name of ['text', 'sort', 'limit', ...filters.map((filter) => filter.name)]) {
    const value = search[name];
    if (value !== undefined && value !== '') kept.set(name, value);
  }
  return kept.toString();
}

/** How many conditions are set, the search text among them. */
export function conditionCount(state: ListState): number {
  return Object.keys(state.filters).length + (state.text.trim() === '' ? 0 : 1);
}

export function sortOf(sort: string | null): { field: string; descending: boolean } | null {
  if (sort === null || sort === '') return null;
  return sort.startsWith('-') ? { field: sort.slice(1), descending: true } : { field: sort, descending: false };
}
