import { Skeleton } from '@mantine/core';
import { Failure } from '@/shell/states';
import { EmptyState, type EmptyProps } from './empty';
import classes from './rows.module.css';

export interface Cell<T> {
  title: string;
  render: (row: T) => React.ReactNode;
  align?: 'left' | 'right';
  /** Its title is read to those who hear the page, and not shown. */
  quiet?: boolean;
}

interface ShortTableProps<T> {
  label: string;
  cells: readonly Cell<T>[];
  rows: readonly T[];
  id: (row: T) => string | number;
  empty: EmptyProps;
  busy?: boolean;
  error?: unknown;
  retry?: () => void;
}

/** A short table that is shown whole. */
export function ShortTable<T>({ label, cells, rows, id, empty, busy = false, error, retry }: ShortTableProps<T>) {
  if (error && rows.length === 0) return <Failure error={error} retry={retry} />;
  if (busy) return <Skeleton height={88} aria-label="Loading" />;
  if (rows.length === 0) return <EmptyState {...empty} />;
  return (
    <div className={classes.scroll}>
      <table aria-label={label} className={classes.table}>
        <thead>
          <tr>
            {cells.map((cell) => (
              <th key={cell.title} scope="col" data-align={cell.align}>
                {cell.quiet ? <span className={classes.quiet}>{cell.title}</span> : cell.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={id(row)}>
              {cells.map((cell) => (
                <td key={cell.title} data-align={cell.align}>
                  {cell.render(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
