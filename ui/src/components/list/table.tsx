import 'mantine-datatable/styles.layer.css';
import { Skeleton } from '@mantine/core';
import clsx from 'clsx';
import { DataTable, type DataTableColumn, type DataTableProps, type DataTableSortStatus } from 'mantine-datatable';
import { useEffect, useRef } from 'react';
import { useGo } from '../link';
import { sortOf } from './query';
import classes from './table.module.css';
import { typing } from './toolbar';

export interface Column<T> {
  id: string;
  title: React.ReactNode;
  render: (row: T) => React.ReactNode;
  /** The API's name to sort by; absent: it cannot be sorted by. */
  sort?: string;
  width?: number | string;
  align?: 'left' | 'right' | 'center';
  /** The least width of the window at which it is shown. */
  from?: 'sm' | 'md' | 'lg';
}

const WIDTHS = { sm: '48em', md: '62em', lg: '75em' };

interface RowsProps<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: T[];
  rowId: (row: T) => string;
  open?: (row: T) => string;
  sort: string | null;
  onSort: (sort: string) => void;
  busy: boolean;
  stale: boolean;
  /** How many rows are awaited, for the room kept for them. */
  expected: number;
  ticked?: T[];
  onTick: (rows: T[]) => void;
  /** Whether j, k, Enter and the arrows work from anywhere in the page. */
  keys: boolean;
  empty: React.ReactNode;
}

/** The rows of a list, usable with the keyboard alone. */
export function Rows<T>(props: RowsProps<T>) {
  const { rows, open, busy, stale } = props;
  const frame = useRef<HTMLDivElement>(null);
  const go = useGo();
  const openAt = (index: number) => {
    const row = rows[index];
    if (row !== undefined && open) go(...splitPath(open(row)));
  };
  useRowKeys(frame, props.keys, openAt, (index) => tick(props, index));
  if (busy) return <Waiting rows={Math.min(props.expected, 8)} />;
  if (rows.length === 0) return <div className={classes.frame}>{props.empty}</div>;
  return (
    <div ref={frame} className={clsx(classes.frame, stale && classes.stale)} aria-busy={stale}>
      <DataTable<T> {...tableProps(props, openAt)} />
    </div>
  );
}

function tableProps<T>(props: RowsProps<T>, openAt: (index: number) => void): DataTableProps<T> {
  const sort = sortOf(props.sort);
  const given: Partial<DataTableProps<T>> = {
    columns: props.columns.map(toColumn),
    records: props.rows,
    idAccessor: (row: T) => props.rowId(row),
    highlightOnHover: true,
    horizontalSpacing: 'sm',
    verticalSpacing: 6,
    fz: 'sm',
    sortStatus: { columnAccessor: sort?.field ?? '', direction: sort?.descending ? 'desc' : 'asc' },
    onSortStatusChange: (status: DataTableSortStatus<T>) =>
      props.onSort(`${status.direction === 'desc' ? '-' : ''}${String(status.columnAccessor)}`),
    rowClassName: () => clsx(classes.row, props.open && classes.openable),
    customRowAttributes: (_row: T, index: number) => ({ 'data-row': index, tabIndex: index === 0 ? 0 : -1 }),
    onRowClick: ({ event, index }) => {
      // A link or button in the row does its own; text that was marked is not a click.
      if ((event.target as HTMLElement).closest('a, button, input, label') || getSelection()?.toString()) return;
      openAt(index);
    },
    ...(props.ticked ? { selectedRecords: props.ticked, onSelectedRecordsChange: props.onTick } : {}),
  };
  // The library's type is a union over its ways of paging, none of which is used.
  return given as DataTableProps<T>;
}

/** A path of `open` may hold a query. */
function splitPath(path: string): [string, Record<string, string>] {
  const [to = path, query = ''] = path.split('?', 2);
  return [to, Object.fromEntries(new URLSearchParams(query))];
}

function toColumn<T>(column: Column<T>): DataTableColumn<T> {
  return {
    accessor: column.sort ?? column.id,
    title: column.title,
    render: (row) => column.render(row),
    sortable: column.sort !== undefined,
    ...(column.width === undefined ? {} : { width: column.width }),
    ...(column.align === undefined ? {} : { textAlign: column.align }),
    ...(column.from === undefined ? {} : { visibleMediaQuery: `(min-width: ${WIDTHS[column.from]})` }),
  };
}

function tick<T>({ rows, ticked, onTick, rowId }: RowsProps<T>, index: number): void {
  const row = rows[index];
  if (row === undefined || ticked === undefined) return;
  const id = rowId(row);
  const without = ticked.filter((other) => rowId(other) !== id);
  onTick(without.length < ticked.length ? without : [...ticked, row]);
}

/** Whether a dialog, menu or list of choices is open, to which keys belong then. Closed ones stay in the page, unseen. */
function overlaid(): boolean {
  return [...document.querySelectorAll('[role="dialog"], [role="menu"], [role="listbox"]')].some((element) => element.checkVisibility());
}

/** j, k and the arrows go from row to row, Enter opens, x ticks. */
function useRowKeys(frame: React.RefObject<HTMLDivElement | null>, anywhere: boolean, open: (index: number) => void, ticks: (index: number) => void) {
  const handlers = useRef({ open, ticks });
  handlers.current = { open, ticks };
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      const rows = [...(frame.current?.querySelectorAll<HTMLElement>('tr[data-row]') ?? [])];
      const active = document.activeElement;
      const here = rows.findIndex((row) => row === active);
      const within = here >= 0;
      if (!within && (!anywhere || overlaid())) return;
      const step = event.key === 'j' || (within && event.key === 'ArrowDown') ? 1 : event.key === 'k' || (within && event.key === 'ArrowUp') ? -1 : 0;
      if (step !== 0) {
        rows[Math.min(rows.length - 1, Math.max(0, here + step))]?.focus();
        event.preventDefault();
      } else if (within && event.key === 'Enter') handlers.current.open(here);
      else if (within && event.key === 'x') handlers.current.ticks(here);
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, [frame, anywhere]);
}

function Waiting({ rows }: { rows: number }) {
  return (
    <div className={classes.frame} role="status" aria-label="Loading" style={{ padding: 12 }}>
      {Array.from({ length: rows }, (_, i) => (
        <Skeleton key={i} height={20} my={9} />
      ))}
    </div>
  );
}
