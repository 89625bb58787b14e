import { at } from '@/api/client';
import { useCounters } from '@/api/events';
import type { Session } from '@/api/shapes';
import { ProtocolBadge, SessionBadge } from './badges';
import { PageLink } from './link';
import type { Column } from './list/list';
import { Age, Lasting } from './moment';
import { bytes } from './time';

/** Bytes both ways, as fresh as the live counters. */
export function SessionBytes({ session }: { session: Session }) {
  const live = useCounters().get(session.id);
  const now = session.state === 'closed' ? undefined : live;
  return <span className="nowrap">{bytes((now?.bytes_in ?? session.bytes_in) + (now?.bytes_out ?? session.bytes_out))}</span>;
}

/** What is being done in it now. */
export function SessionDoing({ session }: { session: Session }) {
  const live = useCounters().get(session.id);
  return <span className="mono">{(session.state === 'closed' ? null : live?.what) ?? session.what ?? '–'}</span>;
}

export const sessionColumns: Column<Session>[] = [
  { id: 'state', title: 'State', width: 90, render: (session) => <SessionBadge state={session.state} /> },
  { id: 'user', title: 'Person', sort: 'user', render: (session) => <PageLink to={at`/people/${session.user}`}>{session.user}</PageLink> },
  { id: 'server', title: 'Server', sort: 'server', render: (session) => <PageLink to={at`/servers/${session.server}`}>{session.server}</PageLink> },
  { id: 'protocol', title: 'Protocol', from: 'lg', width: 90, render: (session) => <ProtocolBadge protocol={session.protocol} /> },
  { id: 'login', title: 'Login', from: 'md', render: (session) => <span className="mono">{session.login ?? '–'}</span> },
  { id: 'source', title: 'Source', from: 'md', render: (session) => <span className="mono">{session.source}</span> },
  {
    id: 'started_at',
    title: 'Started',
    sort: 'started_at',
    width: 110,
    render: (session) => (
      <PageLink to={at`/sessions/${session.id}`} c="inherit">
        <Age at={session.started_at} />
      </PageLink>
    ),
  },
  { id: 'duration', title: 'Lasted', sort: 'duration', width: 96, align: 'right', render: (session) => <Lasting since={session.started_at} until={session.ended_at} /> },
  { id: 'bytes', title: 'Size', sort: 'bytes', width: 84, align: 'right', from: 'sm', render: (session) => <SessionBytes session={session} /> },
  { id: 'reason', title: 'Ended', from: 'md', width: 110, render: (session) => session.end_reason ?? (session.state === 'closed' ? '–' : 'running') },
];
