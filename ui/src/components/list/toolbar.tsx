import { ActionIcon, Button, Group, Indicator, Popover, Select, Stack, TextInput, Tooltip } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconFilter, IconSearch, IconX } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import type { Query } from '@/api/client';
import type { Search } from '@/app/search';
import { fromInput, toInput } from '../time';
import { ExportMenu } from './export';
import { changed, conditionCount, conditions, type Filter, type ListState } from './query';
import { Views } from './views';

interface ToolbarProps {
  name: string;
  path: string;
  filters: readonly Filter[];
  state: ListState;
  search: Search;
  change: (changes: Search) => void;
  fixed?: Query;
  searchLabel: string | null;
  embedded: boolean;
  extra?: React.ReactNode;
}

export function Toolbar({ name, path, filters, state, search, change, fixed, searchLabel, embedded, extra }: ToolbarProps) {
  const clear = () => change(changed({ text: undefined, ...Object.fromEntries(filters.map((filter) => [filter.name, undefined])) }));
  const set = conditionCount(state);
  return (
    <Group gap="xs" justify="space-between" wrap="wrap" role="search">
      <Group gap="xs" style={{ flex: '1 1 280px' }}>
        {searchLabel !== null && <SearchBox value={state.text} label={searchLabel} change={(text) => change(changed({ text }))} global={!embedded} />}
        {filters.length > 0 && <Filters filters={filters} state={state} change={change} />}
        {set > 0 && (
          <Button variant="subtle" color="gray" size="xs" leftSection={<IconX size={14} />} onClick={clear}>
            Clear
          </Button>
        )}
      </Group>
      <Group gap="xs">
        {extra}
        {!embedded && <Views list={name} search={search} filters={filters} />}
        <ExportMenu name={name} path={path} query={{ ...conditions(state, fixed), sort: state.sort }} />
      </Group>
    </Group>
  );
}

function SearchBox({ value, label, change, global }: { value: string; label: string; change: (text: string) => void; global: boolean }) {
  const [text, setText] = useState(value);
  const box = useRef<HTMLInputElement>(null);
  const settle = useDebouncedCallback(change, 250);
  // The address may change by itself: back, a saved view, "Clear".
  useEffect(() => setText((typed) => (typed.trim() === value.trim() ? typed : value)), [value]);
  useEffect(() => {
    if (!global) return undefined;
    const focus = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || typing(event.target)) return;
      event.preventDefault();
      box.current?.focus();
    };
    document.addEventListener('keydown', focus);
    return () => document.removeEventListener('keydown', focus);
  }, [global]);
  return (
    <TextInput
      ref={box}
      type="search"
      value={text}
      placeholder={label}
      aria-label={label}
      title={global ? 'Press / to search' : undefined}
      leftSection={<IconSearch size={15} aria-hidden />}
      onChange={(event) => {
        setText(event.currentTarget.value);
        settle(event.currentTarget.value);
      }}
      onKeyDown={(event) => event.key === 'Escape' && box.current?.blur()}
      style={{ flex: '1 1 180px', maxWidth: 320 }}
    />
  );
}

/** Whether a key belongs to a field that is being typed in. */
export function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function Filters({ filters, state, change }: { filters: readonly Filter[]; state: ListState; change: (changes: Search) => void }) {
  const set = Object.keys(state.filters).length;
  // The first choices are at hand; the rest is behind the button, so that the row stays one row.
  const near: Filter[] = filters.filter((filter) => filter.kind === 'choice').slice(0, 2);
  const far = filters.filter((filter) => !near.includes(filter));
  const hidden = far.filter((filter) => state.filters[filter.name] !== undefined).length;
  return (
    <>
      {near.map((filter) => (
        <Field key={filter.name} filter={filter} value={state.filters[filter.name]} change={change} compact />
      ))}
      {far.length > 0 && (
        <Popover position="bottom-start" width={290} trapFocus withinPortal shadow="md">
          <Popover.Target>
            <Indicator disabled={hidden === 0} label={hidden} size={16} color="verdigris">
              <Tooltip label={set > 0 ? `${set} filters set` : 'More filters'}>
                <ActionIcon variant="default" size={36} aria-label="More filters">
                  <IconFilter size={16} />
                </ActionIcon>
              </Tooltip>
            </Indicator>
          </Popover.Target>
          <Popover.Dropdown>
            <Stack gap="xs">
              {far.map((filter) => (
                <Field key={filter.name} filter={filter} value={state.filters[filter.name]} change={change} />
              ))}
            </Stack>
          </Popover.Dropdown>
        </Popover>
      )}
    </>
  );
}

interface FieldProps {
  filter: Filter;
  value: string | undefined;
  change: (changes: Search) => void;
  compact?: boolean;
}

function Field({ filter, value, change, compact = false }: FieldProps) {
  const put = (next: string | undefined) => change(changed({ [filter.name]: next }));
  if (filter.kind === 'choice') {
    return (
      <Select
        data={[...filter.options]}
        value={value ?? null}
        onChange={(next) => put(next ?? undefined)}
        placeholder={compact ? filter.label : 'Any'}
        label={compact ? undefined : filter.label}
        aria-label={filter.label}
        clearable
        allowDeselect
        w={compact ? 150 : undefined}
        comboboxProps={{ withinPortal: compact }}
      />
    );
  }
  return <TypedField key={value ?? ''} filter={filter} value={value} put={put} />;
}

function TypedField({ filter, value, put }: { filter: Filter; value: string | undefined; put: (next: string | undefined) => void }) {
  const instant = filter.kind === 'instant';
  const [text, setText] = useState(instant ? toInput(value ?? null) : (value ?? ''));
  const apply = () => {
    const next = instant ? (fromInput(text) ?? undefined) : text.trim() || undefined;
    if (next !== value) put(next);
  };
  return (
    <TextInput
      label={filter.label}
      type={instant ? 'datetime-local' : 'text'}
      placeholder={filter.kind === 'text' ? filter.placeholder : undefined}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={apply}
      onKeyDown={(event) => event.key === 'Enter' && apply()}
    />
  );
}
