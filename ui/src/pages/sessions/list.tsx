import { Badge, Tooltip } from '@mantine/core';
import { api, at } from '@/api/client';
import { useCounters } from '@/api/events';
import { useCan } from '@/api/session';
import type { Session } from '@/api/shapes';
import { ProtocolBadge, SessionBadge } from '@/components/badges';
import { PageLink, ServerLink, UserLink } from '@/components/link';
import { List, type BulkAction, type Column, type Filter } from '@/components/list/list';
import { Age, Lasting, Moment } from '@/components/moment';
import { Page } from '@/components/page';
import { SessionBytes } from '@/components/session-columns';
import { END_REASONS, endTone, endWords } from './words';

const columns: Column<Session>[] = [
  { id: 'state', title: 'State', width: 88, render: (session) => <SessionBadge state={session.state} /> },
  { id: 'user', title: 'Person', sort: 'user', render: (session) => <UserLink name={session.user} /> },
  { id: 'server', title: 'Server', sort: 'server', render: (session) => <ServerLink name={session.server} /> },
  { id: 'protocol', title: 'Protocol', width: 84, from: 'md', render: (session) => <ProtocolBadge protocol={session.protocol} /> },
  { id: 'login', title: 'Login', from: 'md', render: (session) => <span className="mono">{session.login ?? '–'}</span> },
  { id: 'source', title: 'Source', from: 'lg', render: (session) => <span className="mono nowrap">{session.source}</span> },
  {
    id: 'started_at',
    title: 'Start',
    sort: 'started_at',
    render: (session) => (
      <PageLink to={at`/sessions/${session.id}`} aria-label={`Session of ${session.user} at ${session.server}`}>
        <Moment at={session.started_at} visibleFrom="sm" />
        <Age at={session.started_at} hiddenFrom="sm" />
      </PageLink>
    ),
  },
  { id: 'duration', title: 'Duration', sort: 'duration', width: 96, align: 'right', from: 'sm', render: (session) => <Lasting since={session.started_at} until={session.ended_at} /> },
  { id: 'bytes', title: 'Size', sort: 'bytes', width: 84, align: 'right', from: 'sm', render: (session) => <SessionBytes session={session} /> },
  {
    id: 'end_reason',
    title: 'Now, or why it ended',
    width: 190,
    from: 'md',
    render: (session) =>
      session.state === 'closed' ? (
        <Tooltip label={session.end_detail ?? session.end_reason ?? ''} disabled={session.end_detail === null} multiline maw={340}>
          <Badge color={endTone(session.end_reason)}>{endWords(session.end_reason)}</Badge>
        </Tooltip>
      ) : (
        <Now session={session} />
      ),
  },
];

/** What was started last; text of a target, cut. */
function Now({ session }: { session: Session }) {
  const what = useCounters().get(session.id)?.what ?? session.what;
  if (what === null) return '–';
  return (
    <span className="mono nowrap" title={what} style={{ display: 'inline-block', maxWidth: 180, overflow: 'hidden', textOverflow: 'ellipsis', verticalAlign: 'bottom' }}>
      {what}
    </span>
  );
}

const choice = (value: string, label = value) => ({ value, label });

const filters: Filter[] = [
  { name: 'state', label: 'State', kind: 'choice', options: [choice('active', 'Running'), choice('opening', 'Opening'), choice('closed', 'Ended')] },
  { name: 'protocol', label: 'Protocol', kind: 'choice', options: [choice('ssh', 'SSH'), choice('rdp', 'RDP')] },
  { name: 'user', label: 'Person', kind: 'text' },
  { name: 'server', label: 'Server', kind: 'text' },
  { name: 'login', label: 'Login', kind: 'text', mono: true },
  { name: 'source', label: 'Source address', kind: 'text', placeholder: '10.0.0.7 or 10.0.0.0/8', mono: true },
  { name: 'reason', label: 'End', kind: 'choice', options: END_REASONS },
  { name: 'policy', label: 'Grant', kind: 'text', placeholder: 'its number' },
  { name: 'min_duration', label: 'Lasted at least', kind: 'text', placeholder: '10m' },
  { name: 'since', label: 'Started after', kind: 'instant' },
  { name: 'until', label: 'Started before', kind: 'instant' },
];

const bulk: BulkAction<Session>[] = [
  {
    label: 'End',
    danger: true,
    confirm: {
      title: 'End {n} sessions?',
      body: 'Those that still run are cut at once, with their transfers and forwards. Their people read the reason.',
      ask: { label: 'Reason', placeholder: 'Maintenance', required: true },
    },
    run: async (sessions, reason) => {
      const running = sessions.filter((session) => session.state !== 'closed');
      for (const session of running) await api.post(at`/sessions/${session.id}/kill`, { reason });
      if (running.length === 0) return 'None of them runs any more.';
      return running.length === 1 ? 'One session ends.' : `${running.length} sessions end.`;
    },
  },
];

export default function SessionsPage() {
  const operator = useCan('operator');
  return (
    <Page title="Sessions" about="Who used which server: now, and before.">
      <List<Session>
        name="sessions"
        path="/sessions"
        columns={columns}
        filters={filters}
        rowId={(session) => session.id}
        open={(session) => at`/sessions/${session.id}`}
        defaultSort="-started_at"
        searchLabel="Text in transcripts"
        bulk={operator ? bulk : []}
        empty={{ title: 'No session yet', hint: 'Sessions appear here as soon as somebody connects through the gate.' }}
      />
    </Page>
  );
}
