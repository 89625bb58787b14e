import { Loader, MultiSelect, Select, type SelectProps } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { itemsOf, reading } from '@/api/queries';
import type { Page } from '@/api/shapes';

/** What can be picked, by the API's list. */
const SOURCES = {
  user: { path: '/users', words: 'A person' },
  user_group: { path: '/user-groups', words: 'A group of people' },
  server: { path: '/servers', words: 'A server' },
  server_group: { path: '/server-groups', words: 'A group of servers' },
} as const;

export type PickKind = keyof typeof SOURCES;

interface Named {
  name: string;
  full_name?: string | null;
  address?: string;
}

function useNames(kind: PickKind, text: string) {
  const [settled] = useDebouncedValue(text.trim(), 150);
  const asked = useQuery({ ...reading<Page<Named> | Named[]>(SOURCES[kind].path, { text: settled, limit: 25 }), placeholderData: keepPreviousData });
  const options = itemsOf(asked.data).map((item) => ({ value: item.name, label: label(item) }));
  return { options, busy: asked.isFetching };
}

function label(item: Named): string {
  const more = item.full_name ?? item.address;
  return more ? `${item.name} · ${more}` : item.name;
}

interface PickProps extends Omit<SelectProps, 'data' | 'value' | 'onChange'> {
  kind: PickKind;
  value: string | null;
  onChange: (name: string | null) => void;
}

/** One person, server or group, found by the server as one types. */
export function Pick({ kind, value, onChange, ...rest }: PickProps) {
  const [text, setText] = useState('');
  // The text of the chosen entry is not a search.
  const { options, busy } = useNames(kind, value !== null && text.startsWith(value) ? '' : text);
  const data = value === null || options.some((option) => option.value === value) ? options : [{ value, label: value }, ...options];
  return (
    <Select
      data={data}
      value={value}
      onChange={onChange}
      searchable
      clearable
      onSearchChange={setText}
      filter={({ options: all }) => all}
      placeholder={SOURCES[kind].words}
      nothingFoundMessage={busy ? 'Looking…' : 'Nothing with these words'}
      rightSection={busy && text !== '' ? <Loader size={14} /> : undefined}
      {...rest}
    />
  );
}

interface PickManyProps {
  kind: PickKind;
  label: string;
  value: string[];
  onChange: (names: string[]) => void;
  error?: React.ReactNode;
  description?: string;
}

export function PickMany({ kind, value, onChange, ...rest }: PickManyProps) {
  const [text, setText] = useState('');
  const { options } = useNames(kind, text);
  const known = new Set(options.map((option) => option.value));
  const data = [...value.filter((name) => !known.has(name)).map((name) => ({ value: name, label: name })), ...options];
  return (
    <MultiSelect
      data={data}
      value={value}
      onChange={onChange}
      searchable
      clearable
      onSearchChange={setText}
      filter={({ options: all }) => all}
      nothingFoundMessage="Nothing with these words"
      {...rest}
    />
  );
}
