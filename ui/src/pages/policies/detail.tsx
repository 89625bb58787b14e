import { Button, Menu, SimpleGrid, Stack, Text } from '@mantine/core';
import { useParams } from '@tanstack/react-router';
import { IconDots } from '@tabler/icons-react';
import { useState } from 'react';
import { api, at } from '@/api/client';
import { useOne } from '@/api/queries';
import { useCan } from '@/api/session';
import type { Policy, Session } from '@/api/shapes';
import { useAct } from '@/components/action';
import { PolicyBadge } from '@/components/badges';
import { PageLink, RouterLink, useGo } from '@/components/link';
import { List } from '@/components/list/list';
import { Age, Moment } from '@/components/moment';
import { Card, Facts, Page } from '@/components/page';
import { SubjectLink, TargetLink } from '@/components/policy-columns';
import { RIGHTS } from '@/components/rights';
import { Week } from '@/components/schedule/week';
import { fromWords } from '@/components/schedule/words';
import { sessionColumns } from '@/components/session-columns';
import { TermDialog } from '@/components/term-dialog';
import { Failure, PageLoading } from '@/shell/states';

const TOUCHES = ['/policies', '/me', '/sessions'];

export default function GrantPage() {
  const { policy: id } = useParams({ strict: false }) as { policy: string };
  const asked = useOne<Policy>(at`/policies/${id}`);
  const admin = useCan('admin');
  if (asked.data === undefined) return asked.isError ? <Failure error={asked.error} retry={() => void asked.refetch()} /> : <PageLoading />;
  const { value: policy, tag } = asked.data;
  return (
    <Page
      title={`Grant #${policy.id}`}
      above={[{ label: 'Grants', to: '/policies' }]}
      mark={<PolicyBadge policy={policy} />}
      about={
        <>
          <SubjectLink policy={policy} /> to <TargetLink policy={policy} />
        </>
      }
      actions={admin && <Actions policy={policy} tag={tag} />}
    >
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Terms policy={policy} />
        <Stack>
          <When policy={policy} />
          <Card title="Rights and recording">
            <Facts facts={sessionFacts(policy)} />
          </Card>
        </Stack>
      </SimpleGrid>
      <Card title="Sessions it allowed">
        <List<Session>
          name="sessions"
          path="/sessions"
          columns={sessionColumns}
          rowId={(session) => session.id}
          open={(session) => at`/sessions/${session.id}`}
          fixed={{ policy: policy.id }}
          defaultSort="-started_at"
          embedded
          searchLabel={null}
          empty={{ title: 'None yet' }}
        />
      </Card>
    </Page>
  );
}

function Terms({ policy }: { policy: Policy }) {
  return (
    <Card title="Terms">
      <Facts
        facts={[
          ['Who', <SubjectLink policy={policy} />],
          ['What', <TargetLink policy={policy} />],
          ['Protocol', policy.protocol?.toUpperCase() ?? 'every protocol'],
          ['From', policy.from === null ? 'any of their addresses' : <span className="mono">{policy.from}</span>],
          ['Logins', policy.logins.length === 0 ? 'any' : <span className="mono">{policy.logins.join(', ')}</span>],
          ['Reason', policy.reason],
          ['Made', <><Age at={policy.created_at} /> by {policy.created_by}</>],
          policy.revoked_at !== null && ['Revoked', <Moment at={policy.revoked_at} />],
        ]}
      />
    </Card>
  );
}

function When({ policy }: { policy: Policy }) {
  return (
    <Card title="When">
      <Facts
        facts={[
          ['Start', <Moment at={policy.start} />],
          ['End', policy.end === null ? 'no end' : <><Moment at={policy.end} /> (<Age at={policy.end} />)</>],
          ['Schedules', policy.schedules.length === 0 ? 'any time' : <Words schedules={policy.schedules} ignored={!policy.use_schedules} />],
        ]}
      />
      {policy.schedules.length > 0 && policy.use_schedules && (
        <div style={{ marginTop: 14 }}>
          <Week schedules={policy.schedules.flatMap((words) => fromWords(words) ?? [])} />
        </div>
      )}
    </Card>
  );
}

function Words({ schedules, ignored }: { schedules: string[]; ignored: boolean }) {
  return (
    <>
      {schedules.map((words) => (
        <Text key={words} size="sm" className="mono">
          {words}
        </Text>
      ))}
      {ignored && (
        <Text size="xs" c="dimmed">
          They are kept and do not count.
        </Text>
      )}
    </>
  );
}

function sessionFacts(policy: Policy): [string, React.ReactNode][] {
  const rights = policy.rights.map((right) => RIGHTS.find((known) => known.value === right)?.label ?? right);
  const { destinations, blocked_ports } = policy.forwarding;
  return [
    ['Rights', rights.join(', ') || 'none of its own'],
    ...(destinations.length > 0 ? ([['Destinations', <span className="mono">{destinations.join(', ')}</span>]] as [string, React.ReactNode][]) : []),
    ...(blocked_ports.length > 0 ? ([['Blocked ports', blocked_ports.join(', ')]] as [string, React.ReactNode][]) : []),
    ['Idle', policy.idle ?? 'no limit'],
    ['Longest session', policy.max_length ?? 'no limit'],
    ['Recording', [policy.record_mode, policy.record_binary && `binary ${policy.record_binary}`, policy.record_input && `input ${policy.record_input}`].filter(Boolean).join(', ') || 'as configured'],
  ];
}

function Actions({ policy, tag }: { policy: Policy; tag: string | null }) {
  const [renewing, setRenewing] = useState(false);
  const [act, busy] = useAct();
  const go = useGo();
  const path = at`/policies/${policy.id}`;
  const over = policy.state === 'expired' || policy.state === 'revoked';
  const revoke = () =>
    act({
      run: (reason) => api.post(`${path}/revoke`, { reason: reason || null }),
      said: `Grant #${policy.id} is revoked.`,
      touches: TOUCHES,
      confirm: { title: `Revoke grant #${policy.id}?`, body: 'Sessions that only it allows end at once. It can be renewed later.', action: 'Revoke', danger: true, ask: { label: 'Reason' } },
    });
  const remove = () =>
    act({
      run: () => api.del(path, { tag }),
      said: `Grant #${policy.id} is deleted.`,
      touches: TOUCHES,
      confirm: { title: `Delete grant #${policy.id}?`, body: 'It is gone for good; the audit book keeps what it said. Revoking can be undone, this cannot.', action: 'Delete', danger: true },
      then: () => go('/policies'),
    });
  return (
    <>
      {(policy.end !== null || policy.state === 'revoked') && (
        <Button variant={over ? 'filled' : 'default'} onClick={() => setRenewing(true)}>
          {over ? 'Reactivate' : 'Extend'}
        </Button>
      )}
      <Button component={RouterLink} to={`${path}/edit`} variant="default">
        Edit
      </Button>
      {policy.state !== 'revoked' && (
        <Button variant="light" color="brick" loading={busy} onClick={() => void revoke()}>
          Revoke
        </Button>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" px="xs" aria-label="More">
            <IconDots size={16} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item component={RouterLink} to="/policies/new" search={{ clone: String(policy.id) }}>
            Copy…
          </Menu.Item>
          <Menu.Item color="brick" onClick={() => void remove()}>
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <TermDialog
        opened={renewing}
        close={() => setRenewing(false)}
        title={over ? `Reactivate grant #${policy.id}` : `Extend grant #${policy.id}`}
        body={over ? 'It is in force again from now, for this long.' : 'The end moves on by this much.'}
        action={over ? 'Reactivate' : 'Extend'}
        initialFor="30d"
        reason="none"
        submit={(values) => api.post(`${path}/renew`, { for: values.for })}
        said={`Grant #${policy.id} is renewed.`}
        touches={TOUCHES}
      />
    </>
  );
}

/** For pages that name a grant in a sentence. */
export function GrantLink({ id }: { id: number }) {
  return <PageLink to={at`/policies/${id}`}>{`grant #${id}`}</PageLink>;
}
