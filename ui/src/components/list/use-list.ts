import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useLocation, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Query } from '@/api/client';
import { reading } from '@/api/queries';
import type { Page } from '@/api/shapes';
import { withSearch, type Search } from '@/app/search';
import { apiQuery, conditions, readListState, type Filter } from './query';

/** Where a list keeps its filters: in the address of a page, or in the component where it is part of another page. */
export function useListSearch(embedded: boolean): [Search, (changes: Search) => void] {
  const [own, setOwn] = useState<Search>({});
  const search = useLocation({ select: (location) => location.search as Search });
  const navigate = useNavigate();
  if (embedded) return [own, (changes) => setOwn((before) => withSearch(before, changes))];
  const change = (changes: Search) => {
    // Typing in the search box replaces; another page or filter can be gone back from.
    const typed = Object.keys(changes).every((key) => key === 'text' || key === 'cursor') && 'text' in changes;
    void navigate({ to: '.', search: ((before: Search) => withSearch(before, changes)) as never, replace: typed, resetScroll: false });
  };
  return [search, change];
}

export interface ListSource {
  path: string;
  filters: readonly Filter[];
  defaultSort?: string;
  fixed?: Query;
  embedded?: boolean;
}

/** State, data and paging of a list. */
export function useList<T>({ path, filters, defaultSort, fixed, embedded = false }: ListSource) {
  const [search, change] = useListSearch(embedded);
  const state = readListState(search, filters, defaultSort ?? null);
  const asked = useQuery({ ...reading<Page<T>>(path, apiQuery(state, fixed)), placeholderData: keepPreviousData });
  const counted = useQuery({
    ...reading<Page<T>>(path, { ...conditions(state, fixed), limit: 1, count: true }),
    staleTime: 30_000,
    placeholderData: keepPreviousData,
  });
  const [trail, setTrail] = useState<(string | null)[]>([]);
  const next = asked.data?.next ?? null;
  return {
    search,
    change: (changes: Search) => {
      setTrail([]);
      change(changes);
    },
    state,
    asked,
    items: asked.data?.items ?? [],
    total: counted.data?.total,
    totalIsMore: counted.data?.total_is_more === true,
    /** The number of the page shown, where it is known. */
    page: state.cursor === null ? 1 : trail.length > 0 ? trail.length + 1 : null,
    forward:
      next === null
        ? null
        : () => {
            setTrail([...trail, state.cursor]);
            change({ cursor: next });
          },
    back:
      state.cursor === null
        ? null
        : () => {
            change({ cursor: trail.at(-1) ?? undefined });
            setTrail(trail.slice(0, -1));
          },
  };
}

export type Listing<T> = ReturnType<typeof useList<T>>;
