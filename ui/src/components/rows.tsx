import { Skeleton, Table } from '@mantine/core';
import { Failure } from '@/shell/states';
import { EmptyState, type EmptyProps } from './empty';

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
    <Table.ScrollContainer minWidth={0} type="native">
      <Table aria-label={label} verticalSpacing={6} horizontalSpacing="sm" fz="sm" highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            {cells.map((cell) => (
              <Table.Th key={cell.title} ta={cell.align} c="dimmed" fz="xs" className="nowrap">
                {cell.quiet ? <span style={{ position: 'absolute', clipPath: 'inset(50%)' }}>{cell.title}</span> : cell.title}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={id(row)}>
              {cells.map((cell) => (
                <Table.Td key={cell.title} ta={cell.align}>
                  {cell.render(row)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
