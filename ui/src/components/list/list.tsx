import { Button, Group, Select, Stack, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { Query } from '@/api/client';
import { Failure } from '@/shell/states';
import { confirmed } from '../confirm';
import { EmptyState } from '../empty';
import { count } from '../time';
import { done, failed } from '../toast';
import { changed, conditionCount, PAGE_SIZES, type Filter } from './query';
import { Rows, type Column } from './table';
import { Toolbar } from './toolbar';
import { useList, type Listing } from './use-list';

export type { Column } from './table';
export type { Filter } from './query';

/** What can be done with all rows that are ticked. */
export interface BulkAction<T> {
  label: string;
  danger?: boolean;
  /** Asked before; `{n}` in the texts is the number of rows. */
  confirm?: { title: string; body: React.ReactNode; ask?: { label: string; placeholder?: string; initial?: string; required?: boolean; hint?: string } };
  /** Answers with the sentence to show. `given` is what was asked for. */
  run: (rows: T[], given: string) => Promise<string>;
}

export interface ListProps<T> {
  /** Under which its views are saved and exports named; one word. */
  name: string;
  /** The API's path. */
  path: string;
  columns: readonly Column<T>[];
  rowId: (row: T) => string;
  /** Where Enter and a click on a row lead. */
  open?: (row: T) => string;
  filters?: readonly Filter[];
  defaultSort?: string;
  /** Conditions of the page itself, which nobody can take away. */
  fixed?: Query;
  /** What the search box searches; null: no search box. */
  searchLabel?: string | null;
  /** Part of another page: keeps its state out of the address. */
  embedded?: boolean;
  bulk?: readonly BulkAction<T>[];
  /** What to say where there is nothing at all, and what to do then. */
  empty: { title: string; hint?: React.ReactNode; action?: React.ReactNode };
  /** More buttons in the toolbar. */
  extra?: React.ReactNode;
}

/** A list of the API: searched, filtered, sorted and paged by the server. */
export function List<T>(props: ListProps<T>) {
  const { name, path, filters = [], fixed, embedded = false, searchLabel = 'Search', bulk = [], rowId } = props;
  const list = useList<T>({ path, filters, defaultSort: props.defaultSort, fixed, embedded });
  const [ticked, setTicked] = useState<T[]>([]);
  useEffect(() => setTicked([]), [list.state.cursor, list.state.text, JSON.stringify(list.state.filters)]);
  const filtered = conditionCount(list.state) > 0;
  return (
    <Stack gap="sm">
      <Toolbar
        {...{ name, path, filters, fixed, searchLabel, embedded }}
        state={list.state}
        search={list.search}
        change={list.change}
        extra={props.extra}
      />
      {bulk.length > 0 && ticked.length > 0 && <BulkBar rows={ticked} actions={bulk} clear={() => setTicked([])} />}
      {list.asked.isError && list.asked.data === undefined ? (
        <Failure error={list.asked.error} retry={() => void list.asked.refetch()} />
      ) : (
        <Rows
          label={name}
          columns={props.columns}
          rows={list.items}
          rowId={rowId}
          open={props.open}
          sort={list.state.sort}
          onSort={(sort) => list.change(changed({ sort }))}
          busy={list.asked.isPending}
          stale={list.asked.isPlaceholderData}
          expected={list.state.limit}
          ticked={bulk.length > 0 ? ticked : undefined}
          onTick={setTicked}
          keys={!embedded}
          empty={filtered ? <NothingFound /> : <EmptyState {...props.empty} />}
        />
      )}
      <Pager list={list} />
    </Stack>
  );
}

function NothingFound() {
  return <EmptyState title="Nothing fits these filters" hint="Clear a filter or search for less." />;
}

function Pager<T>({ list }: { list: Listing<T> }) {
  const { state, items, total, page } = list;
  const first = page === null ? null : (page - 1) * state.limit + 1;
  const of = total === undefined ? '' : ` of ${count(total)}${list.totalIsMore ? '+' : ''}`;
  const shown = items.length === 0 ? '' : first === null ? `${items.length} rows${of}` : `${count(first)}–${count(first + items.length - 1)}${of}`;
  if (items.length === 0 && list.back === null) return null;
  return (
    <Group justify="space-between" gap="xs" mih={36}>
      <Text size="sm" c="dimmed" aria-live="polite">
        {shown}
      </Text>
      <Group gap="xs">
        <Select
          aria-label="Rows a page"
          data={PAGE_SIZES.map((size) => ({ value: String(size), label: `${size} a page` }))}
          value={String(state.limit)}
          onChange={(limit) => list.change(changed({ limit: limit ?? undefined }))}
          w={124}
        />
        <Button variant="default" onClick={list.back ?? undefined} disabled={list.back === null}>
          {page === null ? 'First' : 'Previous'}
        </Button>
        <Button variant="default" onClick={list.forward ?? undefined} disabled={list.forward === null || list.asked.isPlaceholderData}>
          Next
        </Button>
      </Group>
    </Group>
  );
}

function BulkBar<T>({ rows, actions, clear }: { rows: T[]; actions: readonly BulkAction<T>[]; clear: () => void }) {
  const [running, setRunning] = useState<string | null>(null);
  const run = async (action: BulkAction<T>) => {
    let given = '';
    if (action.confirm) {
      const words = (text: string) => text.replace('{n}', String(rows.length));
      const { title, body, ask } = action.confirm;
      const answer = await confirmed({
        title: words(title),
        body: typeof body === 'string' ? words(body) : body,
        action: action.label,
        danger: action.danger,
        ask,
      });
      if (answer === null) return;
      given = answer;
    }
    setRunning(action.label);
    try {
      done(await action.run(rows, given));
      clear();
    } catch (error) {
      failed(error);
    }
    setRunning(null);
  };
  return (
    <Group gap="xs" role="toolbar" aria-label="With the ticked rows">
      <Text size="sm" fw={600}>
        {rows.length} ticked
      </Text>
      {actions.map((action) => (
        <Button
          key={action.label}
          size="xs"
          variant={action.danger ? 'light' : 'default'}
          color={action.danger ? 'brick' : undefined}
          loading={running === action.label}
          disabled={running !== null}
          onClick={() => void run(action)}
        >
          {action.label}
        </Button>
      ))}
      <Button size="xs" variant="subtle" color="gray" onClick={clear}>
        Untick
      </Button>
    </Group>
  );
}
