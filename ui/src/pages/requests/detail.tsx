import { Alert, Group, SimpleGrid, Stack } from '@mantine/core';
import { useParams } from '@tanstack/react-router';
import { api, at } from '@/api/client';
import { useRead } from '@/api/queries';
import { useCan, useSession } from '@/api/session';
import type { AccessRequest, RequestDetail } from '@/api/shapes';
import { ActionButton } from '@/components/action';
import { ProtocolBadge, RequestBadge, requestKind, SessionBadge } from '@/components/badges';
import { PolicyLink, ServerLink, SessionLink, UserLink } from '@/components/link';
import { Age, Lasting, Moment } from '@/components/moment';
import { Card, Facts, Page } from '@/components/page';
import { ShortTable } from '@/components/rows';
import { Failure, PageLoading } from '@/shell/states';
import { Decide } from './decide';
import { Review } from './review';

export default function RequestPage() {
  const { request: id } = useParams({ strict: false }) as { request: string };
  const asked = useRead<RequestDetail>(at`/requests/${id}`);
  const session = useSession();
  const operator = useCan('operator');
  if (asked.data === undefined) return asked.isError ? <Failure error={asked.error} retry={() => void asked.refetch()} /> : <PageLoading />;
  const request = asked.data;
  const own = session.user?.name === request.user;
  const pending = request.state === 'pending';
  const decides = pending && !own && request.may_decide;
  const reviews = request.kind === 'break_glass' && operator && !own && request.review === null;
  return (
    <Page
      title={`Request #${request.id}`}
      above={[{ label: 'Requests', to: '/requests' }]}
      mark={<RequestBadge state={request.state} />}
      about={`${requestKind(request.kind)} for ${request.user}`}
      actions={own && pending && <Withdraw request={request} />}
    >
      {request.kind === 'break_glass' && request.review === null && (
        <Alert color="brick" title="Break-glass">
          Access was opened at once, without a decision. It must be reviewed by somebody else.
        </Alert>
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Asked request={request} />
        <Stack>
          {decides && <Decide request={request} />}
          {reviews && <Review request={request} />}
          {!pending && <Decided request={request} />}
        </Stack>
      </SimpleGrid>
      {request.policy_id !== null && <Followed request={request} />}
    </Page>
  );
}

function Asked({ request }: { request: RequestDetail }) {
  const auditor = useCan('auditor');
  return (
    <Card title="Asked for">
      <Facts
        facts={[
          ['Person', auditor ? <UserLink name={request.user} /> : request.user],
          request.server !== null && ['Server', auditor ? <ServerLink name={request.server} /> : request.server],
          request.protocol !== null && ['Protocol', <ProtocolBadge protocol={request.protocol} />],
          request.kind === 'access' && ['Login', request.logins.join(', ') || 'any'],
          request.address !== null && ['Address', <span className="mono">{request.address}</span>],
          request.source !== null && ['Asked from', <span className="mono">{request.source}</span>],
          request.overlaps.length > 0 && ['Overlaps', request.overlaps.map((holder) => `${holder.range} of ${holder.user}`).join(', ')],
          request.kind !== 'address' && ['For how long', request.for ?? 'not said'],
          ['Reason', request.reason ?? 'none given'],
          ['Asked', <Age at={request.created_at} />],
          request.state === 'pending' && ['Lapses', <Age at={request.expires_at} />],
        ]}
      />
    </Card>
  );
}

const VERDICTS = { justified: 'justified', not_justified: 'not justified' };

function Decided({ request }: { request: AccessRequest }) {
  return (
    <Card title="Outcome">
      <Facts
        facts={[
          ['State', <RequestBadge state={request.state} />],
          ['By', request.rule === null ? (request.decided_by ?? '–') : `rule ${request.rule}`],
          ['When', <Moment at={request.decided_at} />],
          ['Note', request.note ?? '–'],
          request.policy_id !== null && ['Grant', <PolicyLink id={request.policy_id} />],
          request.review !== null && ['Reviewed', <><Moment at={request.review.at} /> by {request.review.by}: {VERDICTS[request.review.verdict]}</>],
          request.review?.note != null && ['Review', request.review.note],
        ]}
      />
    </Card>
  );
}

function Withdraw({ request }: { request: AccessRequest }) {
  return (
    <ActionButton
      label="Withdraw"
      run={() => api.del(at`/requests/${request.id}`)}
      said={`Request #${request.id} is withdrawn.`}
      touches={['/requests', '/me']}
      confirm={{ title: `Withdraw request #${request.id}?`, body: 'Nobody decides it then. You can ask again.', action: 'Withdraw' }}
    />
  );
}

function Followed({ request }: { request: RequestDetail }) {
  return (
    <Card title="Sessions that followed">
      <ShortTable
        label="Sessions that followed"
        rows={request.sessions}
        id={(session) => session.id}
        empty={{ title: 'None yet' }}
        cells={[
          { title: 'Session', render: (session) => <SessionLink id={session.id} /> },
          { title: 'State', render: (session) => <SessionBadge state={session.state} /> },
          { title: 'Server', render: (session) => session.server },
          { title: 'Login', render: (session) => <span className="mono">{session.login ?? '–'}</span> },
          { title: 'Started', render: (session) => <Age at={session.started_at} /> },
          { title: 'Lasted', render: (session) => <Group gap={4}><Lasting since={session.started_at} until={session.ended_at} /></Group> },
        ]}
      />
    </Card>
  );
}
