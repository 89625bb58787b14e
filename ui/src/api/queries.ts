import { queryOptions, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { api, type Query, type Tagged } from './client';
import type { AccessRequest, Page } from './shapes';

/**
 * Reads a list or a thing. The key begins with the path, which is how live events know what they make stale. What was
 * shown stays until the new answer is there, so that nothing jumps.
 */
export function reading<T>(path: string, query?: Query) {
  return queryOptions({
    queryKey: [path, query ?? {}] as const,
    queryFn: ({ signal }) => api.get<T>(path, { query, signal }),
  });
}

export function useRead<T>(path: string, query?: Query, options: { every?: number; enabled?: boolean } = {}): UseQueryResult<T> {
  return useQuery({ ...reading<T>(path, query), refetchInterval: options.every ?? false, enabled: options.enabled ?? true });
}

/** One thing with its tag, for pages that edit it. */
export function useOne<T>(path: string): UseQueryResult<Tagged<T>> {
  return useQuery({ queryKey: [path, 'one'], queryFn: ({ signal }) => api.one<T>(path, { signal }) });
}

export const pendingToDecide = reading<Page<AccessRequest>>('/requests', { to_decide: true, state: 'pending', limit: 50 });

/** Short collections are answered as `[…]`, long ones as `{"items": […]}`; both are read. */
export function itemsOf<T>(answer: T[] | Page<T> | undefined): T[] {
  if (answer === undefined) return [];
  return Array.isArray(answer) ? answer : answer.items;
}

/** A short collection, whole. */
export function useItems<T>(path: string, query?: Query, options: { every?: number; enabled?: boolean } = {}) {
  const read = useRead<T[] | Page<T>>(path, query, options);
  return { ...read, items: itemsOf(read.data) };
}

/** The most things that a page reads whole, such as the groups of a tree. */
const MOST = 10_000;

/** A long collection, whole: part after part. */
export function useAll<T>(path: string, query?: Query): UseQueryResult<T[]> {
  return useQuery({
    queryKey: [path, 'all', query ?? {}],
    queryFn: async ({ signal }) => {
      const items: T[] = [];
      let cursor: string | null = null;
      do {
        const part: T[] | Page<T> = await api.get(path, { query: { ...query, limit: 500, cursor }, signal });
        items.push(...itemsOf(part));
        cursor = Array.isArray(part) ? null : part.next;
      } while (cursor !== null && items.length < MOST);
      return items;
    },
  });
}
