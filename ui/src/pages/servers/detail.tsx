import { Button } from '@mantine/core';
import { useParams } from '@tanstack/react-router';
import { at } from '@/api/client';
import { useOne } from '@/api/queries';
import { useCan } from '@/api/session';
import type { Policy, Server, Session } from '@/api/shapes';
import { ActiveBadge } from '@/components/badges';
import { RouterLink } from '@/components/link';
import { List } from '@/components/list/list';
import { LockButton } from '@/components/lock';
import { Moment } from '@/components/moment';
import { Page } from '@/components/page';
import { policyColumns } from '@/components/policy-columns';
import { WhoCanTable } from '@/components/reach';
import { sessionColumns } from '@/components/session-columns';
import { PageTabs } from '@/components/tabs';
import { Failure, PageLoading } from '@/shell/states';
import { Credentials } from './credentials';
import { Memberships } from '@/components/memberships';
import { HostKeys } from './host-keys';
import { Overview } from './overview';
import { KillAll } from '@/components/kill';

export default function ServerPage() {
  const { server: name } = useParams({ strict: false }) as { server: string };
  const path = at`/servers/${name}`;
  const asked = useOne<Server>(path);
  const [admin, operator] = [useCan('admin'), useCan('operator')];
  if (asked.data === undefined) return asked.isError ? <Failure error={asked.error} retry={() => void asked.refetch()} /> : <PageLoading />;
  const { value: server, tag } = asked.data;
  return (
    <Page
      title={server.name}
      above={[{ label: 'Servers', to: '/servers' }]}
      mark={<ActiveBadge active={server.active} lock={server.lock} />}
      about={
        <>
          <span className="mono">{server.address}</span> · {server.description ?? 'no description'} · entered <Moment at={server.created_at} />
        </>
      }
      actions={
        <>
          {admin && (
            <Button component={RouterLink} to="/policies/new" search={{ server: server.name }}>
              Grant access
            </Button>
          )}
          {operator && <KillAll of={{ server: server.name }} words={`on ${server.name}`} />}
          {operator && <LockButton path={path} name={server.name} lock={server.lock} touches={['/servers']} />}
        </>
      }
    >
      <PageTabs
        label={`Parts of ${server.name}`}
        tabs={[
          { id: 'overview', label: 'Overview', render: () => <Overview server={server} tag={tag} /> },
          { id: 'host-keys', label: 'Host keys', render: () => <HostKeys server={server.name} /> },
          { id: 'credentials', label: 'Credentials', render: () => <Credentials server={server.name} /> },
          { id: 'groups', label: 'Groups', count: server.groups.length, render: () => <Memberships kind="server" name={server.name} groups={server.groups} /> },
          { id: 'grants', label: 'Grants', render: () => <Grants server={server.name} /> },
          { id: 'who-can', label: 'Who can reach it', render: () => <WhoCanTable server={server.name} /> },
          { id: 'sessions', label: 'Sessions', render: () => <Sessions server={server.name} /> },
        ]}
      />
    </Page>
  );
}

function Grants({ server }: { server: string }) {
  return (
    <List<Policy>
      name="policies"
      path="/policies"
      columns={policyColumns}
      rowId={(policy) => String(policy.id)}
      open={(policy) => at`/policies/${policy.id}`}
      fixed={{ server }}
      embedded
      searchLabel={null}
      empty={{ title: 'No grants for this server alone', hint: 'Who reaches it through a group is under "Who can reach it".' }}
    />
  );
}

function Sessions({ server }: { server: string }) {
  return (
    <List<Session>
      name="sessions"
      path="/sessions"
      columns={sessionColumns.filter((column) => column.id !== 'server')}
      rowId={(session) => session.id}
      open={(session) => at`/sessions/${session.id}`}
      fixed={{ server }}
      defaultSort="-started_at"
      embedded
      searchLabel="Transcripts"
      empty={{ title: 'No sessions yet', hint: 'A session appears here as soon as the server has accepted somebody.' }}
    />
  );
}
