import { Group, Text } from '@mantine/core';
import { at } from '@/api/client';
import { useItems } from '@/api/queries';
import { useCan } from '@/api/session';
import type { AccessRequest, Alert, AuditEvent, Session, SessionForward } from '@/api/shapes';
import { sentence } from '@/api/problem';
import { OutcomeBadge, ProtocolBadge, requestKind } from '@/components/badges';
import { KillButton } from '@/components/kill';
import { PageLink, RequestLink, ServerLink, SessionLink, UserLink } from '@/components/link';
import { Age, Lasting, Moment } from '@/components/moment';
import { Card } from '@/components/page';
import { ShortTable, type Cell } from '@/components/rows';
import { SessionBytes, SessionDoing } from '@/components/session-columns';
import { bytes } from '@/components/time';

/** Sessions that run now. Counters come with the live events, the rows with each event of a session. */
export function ActiveSessions() {
  const asked = useItems<Session>('/sessions', { state: 'active', limit: 12, sort: '-started_at' }, { every: 15_000 });
  const operator = useCan('operator');
  const cells: Cell<Session>[] = [
    { title: 'Person', render: (session) => <UserLink name={session.user} /> },
    { title: 'Server', render: (session) => <Group gap={6} wrap="nowrap"><ServerLink name={session.server} /><ProtocolBadge protocol={session.protocol} /></Group> },
    { title: 'Login', render: (session) => <span className="mono">{session.login ?? '–'}</span> },
    { title: 'Doing', render: (session) => <SessionDoing session={session} /> },
    { title: 'From', render: (session) => <span className="mono">{session.source}</span> },
    { title: 'Lasts', align: 'right', render: (session) => <Lasting since={session.started_at} until={null} /> },
    { title: 'Size', align: 'right', render: (session) => <SessionBytes session={session} /> },
    { title: 'Access ends', render: (session) => <Age at={session.allowed_until} none="never" /> },
    { title: 'Watch', quiet: true, align: 'right', render: (session) => <PageLink to={at`/sessions/${session.id}`} search={{ live: '1' }}>Watch</PageLink> },
  ];
  if (operator) cells.push({ title: 'End', quiet: true, align: 'right', render: (session) => <KillButton id={session.id} user={session.user} server={session.server} size="xs" /> });
  const more = asked.data !== undefined && !Array.isArray(asked.data) && asked.data.next !== null;
  return (
    <Card title="Running sessions" actions={<PageLink to="/sessions" search={{ state: 'active' }} size="sm">{more ? 'All of them' : 'As a list'}</PageLink>}>
      <ShortTable label="Running sessions" busy={asked.isPending} error={asked.error} retry={() => void asked.refetch()} cells={cells} rows={asked.items} id={(session) => session.id} empty={{ title: 'Nobody is connected', hint: 'Sessions appear here the moment they begin.' }} />
    </Card>
  );
}

export function Pending() {
  const asked = useItems<AccessRequest>('/requests', { to_decide: true, state: 'pending', limit: 6 });
  return (
    <Card title="Requests to decide" actions={<PageLink to="/requests" size="sm">All</PageLink>}>
      <ShortTable
        label="Requests to decide"
        busy={asked.isPending}
        error={asked.error}
        rows={asked.items}
        id={(request) => request.id}
        empty={{ title: 'Nothing waits' }}
        cells={[
          { title: 'No.', render: (request) => <RequestLink id={request.id} /> },
          { title: 'Person', render: (request) => request.user },
          { title: 'What', render: (request) => request.server ?? request.address ?? requestKind(request.kind) },
          { title: 'Reason', render: (request) => <Text size="sm" lineClamp={1}>{request.reason ?? '–'}</Text> },
          { title: 'Asked', render: (request) => <Age at={request.created_at} /> },
        ]}
      />
    </Card>
  );
}

export function RecentSessions() {
  const asked = useItems<Session>('/sessions', { state: 'closed', limit: 8, sort: '-started_at' });
  return (
    <Card title="Recent sessions" actions={<PageLink to="/sessions" size="sm">All</PageLink>}>
      <ShortTable
        label="Recent sessions"
        busy={asked.isPending}
        error={asked.error}
        rows={asked.items}
        id={(session) => session.id}
        empty={{ title: 'None yet' }}
        cells={[
          { title: 'Person', render: (session) => <UserLink name={session.user} /> },
          { title: 'Server', render: (session) => <ServerLink name={session.server} /> },
          { title: 'Started', render: (session) => <PageLink to={at`/sessions/${session.id}`}><Age at={session.started_at} /></PageLink> },
          { title: 'Lasted', align: 'right', render: (session) => <Lasting since={session.started_at} until={session.ended_at} /> },
          { title: 'Ended', render: (session) => session.end_reason ?? '–' },
        ]}
      />
    </Card>
  );
}

export function RecentAudit() {
  const asked = useItems<AuditEvent>('/audit', { limit: 10 });
  return (
    <Card title="Recent audit" actions={<PageLink to="/audit" size="sm">The book</PageLink>}>
      <ShortTable
        label="Recent audit"
        busy={asked.isPending}
        error={asked.error}
        rows={asked.items}
        id={(event) => event.seq}
        empty={{ title: 'The book is empty' }}
        cells={[
          { title: 'When', render: (event) => <Age at={event.time} /> },
          { title: 'Action', render: (event) => <span className="mono">{event.action}</span> },
          { title: 'Who', render: (event) => event.user ?? event.actor },
          { title: 'Server', render: (event) => event.server ?? '–' },
          { title: 'Outcome', render: (event) => <OutcomeBadge outcome={event.outcome} /> },
        ]}
      />
    </Card>
  );
}

export function RecentAlerts() {
  const asked = useItems<Alert>('/alerts', { limit: 5 });
  return (
    <Card title="Alerts" actions={<PageLink to="/alerts" size="sm">All</PageLink>}>
      <ShortTable
        label="Alerts"
        busy={asked.isPending}
        error={asked.error}
        rows={asked.items}
        id={(alert) => alert.id}
        empty={{ title: 'No alerts' }}
        cells={[
          { title: 'When', render: (alert) => <Moment at={alert.time} /> },
          { title: 'What', render: (alert) => sentence(alert.sentence) },
        ]}
      />
    </Card>
  );
}

export function RunningForwards() {
  const asked = useItems<SessionForward>('/forwards', { active: true, limit: 8 });
  return (
    <Card title="Running forwards" actions={<PageLink to="/forwards" size="sm">All</PageLink>}>
      <ShortTable
        label="Running forwards"
        busy={asked.isPending}
        error={asked.error}
        rows={asked.items}
        id={(forward) => `${forward.session} ${forward.listen} ${forward.destination} ${forward.started_at}`}
        empty={{ title: 'None is running' }}
        cells={[
          { title: 'Person', render: (forward) => <UserLink name={forward.user} /> },
          { title: 'Kind', render: (forward) => forward.kind },
          { title: 'To', render: (forward) => <span className="mono">{forward.destination}</span> },
          { title: 'Bytes', align: 'right', render: (forward) => bytes(forward.bytes_in + forward.bytes_out) },
          { title: 'Session', render: (forward) => <SessionLink id={forward.session} /> },
        ]}
      />
    </Card>
  );
}
