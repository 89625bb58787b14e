import { Button, Group } from '@mantine/core';
import { useParams } from '@tanstack/react-router';
import { at } from '@/api/client';
import { useOne } from '@/api/queries';
import { useCan } from '@/api/session';
import type { Policy, Session, User } from '@/api/shapes';
import { ActiveBadge, RoleBadge } from '@/components/badges';
import { RouterLink } from '@/components/link';
import { List } from '@/components/list/list';
import { LockButton } from '@/components/lock';
import { Moment } from '@/components/moment';
import { Page } from '@/components/page';
import { policyColumns } from '@/components/policy-columns';
import { ReachTable } from '@/components/reach';
import { RequestList } from '@/components/request-list';
import { RightsCard } from '@/components/rights';
import { sessionColumns } from '@/components/session-columns';
import { PageTabs } from '@/components/tabs';
import { Failure, PageLoading } from '@/shell/states';
import { Addresses } from './addresses';
import { UserFactors } from './factors';
import { Memberships } from '@/components/memberships';
import { Keys } from './keys';
import { Overview } from './overview';

export default function PersonPage() {
  const { user: name } = useParams({ strict: false }) as { user: string };
  const path = at`/users/${name}`;
  const asked = useOne<User>(path);
  const [admin, operator] = [useCan('admin'), useCan('operator')];
  if (asked.data === undefined) return asked.isError ? <Failure error={asked.error} retry={() => void asked.refetch()} /> : <PageLoading />;
  const { value: user, tag } = asked.data;
  return (
    <Page
      title={user.name}
      above={[{ label: 'People', to: '/people' }]}
      mark={
        <Group gap={6}>
          <RoleBadge role={user.role} />
          <ActiveBadge active={user.active} lock={user.lock} />
        </Group>
      }
      about={
        <>
          {user.full_name ?? 'No full name'} · entered <Moment at={user.created_at} />
        </>
      }
      actions={
        <>
          {admin && (
            <Button component={RouterLink} to="/policies/new" search={{ user: user.name }}>
              Grant access
            </Button>
          )}
          {operator && <LockButton path={path} name={user.name} lock={user.lock} touches={['/users']} />}
        </>
      }
    >
      <PageTabs
        label={`Parts of ${user.name}`}
        tabs={[
          { id: 'overview', label: 'Overview', render: () => <Overview user={user} tag={tag} /> },
          { id: 'addresses', label: 'Addresses', count: user.addresses.length, render: () => <Addresses user={user} /> },
          { id: 'keys', label: 'Keys', count: user.keys.length, render: () => <Keys user={user} /> },
          { id: 'groups', label: 'Groups', count: user.groups.length, render: () => <Memberships kind="user" name={user.name} groups={user.groups} /> },
          { id: 'rights', label: 'Rights', render: () => <RightsCard path={path} of={user.name} /> },
          { id: 'grants', label: 'Grants', render: () => <Grants user={user.name} /> },
          { id: 'reach', label: 'Can reach', render: () => <ReachTable user={user.name} /> },
          { id: 'sessions', label: 'Sessions', render: () => <Sessions user={user.name} /> },
          { id: 'requests', label: 'Requests', render: () => <RequestList fixed={{ user: user.name }} embedded /> },
          ...(admin ? [{ id: 'factors', label: 'Factors and sign-ins', render: () => <UserFactors user={user.name} /> }] : []),
        ]}
      />
    </Page>
  );
}

function Grants({ user }: { user: string }) {
  return (
    <List<Policy>
      name="policies"
      path="/policies"
      columns={policyColumns}
      rowId={(policy) => String(policy.id)}
      open={(policy) => at`/policies/${policy.id}`}
      fixed={{ user }}
      embedded
      searchLabel={null}
      empty={{ title: 'No grants of their own', hint: 'What they reach through groups is under "Can reach".' }}
    />
  );
}

function Sessions({ user }: { user: string }) {
  return (
    <List<Session>
      name="sessions"
      path="/sessions"
      columns={sessionColumns.filter((column) => column.id !== 'user')}
      rowId={(session) => session.id}
      open={(session) => at`/sessions/${session.id}`}
      fixed={{ user }}
      defaultSort="-started_at"
      embedded
      searchLabel="Transcripts"
      empty={{ title: 'No sessions yet', hint: 'A session appears here as soon as a server has accepted the person.' }}
    />
  );
}
