import { Anchor, Badge, Button } from '@mantine/core';
import { useState } from 'react';
import type { Forward, Session, Transfer } from '@/api/shapes';
import { Lasting } from '@/components/moment';
import { Card } from '@/components/page';
import { ShortTable, type Cell } from '@/components/rows';
import { bytes, clock, duration, utc } from '@/components/time';

interface PartsProps {
  session: Session;
  jump: (t: number) => void;
}

/** Rows shown before somebody asks for all. */
const FEW = 20;

/** The moment of something in the session, which the player goes to. */
export function When({ at, session, jump }: PartsProps & { at: string }) {
  const t = Math.max(0, (Date.parse(at) - Date.parse(session.started_at)) / 1000);
  return (
    <Anchor component="button" type="button" size="sm" onClick={() => jump(t)} title={utc(at)} className="nowrap">
      {clock(t)}
    </Anchor>
  );
}

export function Transfers({ session, jump }: PartsProps) {
  const rows = session.transfers ?? [];
  if (rows.length === 0) return null;
  const cells: Cell<Transfer>[] = [
    { title: 'At', render: (row) => <When at={row.started_at} {...{ session, jump }} /> },
    { title: 'What', render: (row) => (row.operation === 'transfer' ? row.direction : row.operation) },
    { title: 'Path', render: (row) => <Path row={row} /> },
    { title: 'Size', align: 'right', render: (row) => bytes(row.bytes) },
    { title: 'Took', align: 'right', render: (row) => (row.duration_seconds < 1 ? `${Math.round(row.duration_seconds * 1000)} ms` : duration(row.duration_seconds)) },
    { title: 'Result', render: (row) => <Badge color={row.result === 'ok' ? 'verdigris' : 'brick'}>{row.result}</Badge> },
  ];
  return <Some title="Transfers" cells={cells} rows={rows} />;
}

function Path({ row }: { row: Transfer }) {
  return (
    <span className="mono" style={{ display: 'inline-block', minWidth: 150, overflowWrap: 'anywhere' }}>
      {row.path}
      {row.target_path !== null && row.target_path !== undefined && ` → ${row.target_path}`}
    </span>
  );
}

export function Forwards({ session, jump }: PartsProps) {
  const rows = session.forwards ?? [];
  if (rows.length === 0) return null;
  const cells: Cell<Forward>[] = [
    { title: 'At', render: (row) => <When at={row.started_at} {...{ session, jump }} /> },
    { title: 'Kind', render: (row) => <Badge color="gray">{row.kind}</Badge> },
    { title: 'Listens at', render: (row) => <span className="mono">{row.listen}</span> },
    { title: 'Leads to', render: (row) => <span className="mono">{row.destination}</span> },
    { title: 'There', align: 'right', render: (row) => bytes(row.bytes_in) },
    { title: 'Back', align: 'right', render: (row) => bytes(row.bytes_out) },
    { title: 'Lasted', align: 'right', render: (row) => <Lasting since={row.started_at} until={row.ended_at ?? session.ended_at} /> },
    { title: 'State', render: (row) => (row.ended_at === null && session.state !== 'closed' ? <Badge>open</Badge> : <Badge color="gray">closed</Badge>) },
  ];
  return <Some title="Forwards" cells={cells} rows={rows} />;
}

function Some<T>({ title, cells, rows }: { title: string; cells: Cell<T>[]; rows: T[] }) {
  const [all, setAll] = useState(false);
  const numbered = rows.map((row, number) => ({ row, number })).slice(0, all ? undefined : FEW);
  return (
    <Card title={`${title} (${rows.length.toLocaleString()})`}>
      <ShortTable
        label={title}
        cells={cells.map((cell) => ({ ...cell, render: ({ row }: { row: T; number: number }) => cell.render(row) }))}
        rows={numbered}
        id={({ number }) => number}
        empty={{ title: `No ${title.toLowerCase()}` }}
      />
      {!all && rows.length > FEW && (
        <Button variant="subtle" size="xs" mt="xs" onClick={() => setAll(true)}>
          Show all {rows.length.toLocaleString()}
        </Button>
      )}
    </Card>
  );
}
