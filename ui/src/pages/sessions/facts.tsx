import { Badge } from '@mantine/core';
import { useCounters } from '@/api/events';
import type { Session } from '@/api/shapes';
import { PageLink, PolicyLinks, RequestLink } from '@/components/link';
import { Age, Lasting, Moment, useTicking } from '@/components/moment';
import { Card, Facts } from '@/components/page';
import { bytes, duration } from '@/components/time';
import { at } from '@/api/client';
import { endTone, endWords } from './words';

/** Everything that is known of a session. */
export function SessionFacts({ session }: { session: Session }) {
  const counters = useCounters().get(session.id);
  const running = session.state !== 'closed';
  const live = running && counters !== undefined ? counters : session;
  return (
    <Card title="Session">
      <Facts
        facts={[
          ['Started', <Moment key="s" at={session.started_at} exact />],
          ['Ended', running ? 'runs' : <Moment key="e" at={session.ended_at} exact />],
          ['Duration', <Lasting key="d" since={session.started_at} until={session.ended_at} />],
          !running && ['Why', <Why key="w" session={session} />],
          ['Allowed until', <AllowedUntil key="a" session={session} />],
          ['Grants', session.policies.length === 0 ? 'none' : <PolicyLinks key="p" ids={session.policies} />],
          session.request != null && ['Request', <RequestLink key="r" id={session.request} />],
          ['Source', <span key="o" className="mono">{`${session.source}:${session.source_port}`}</span>],
          ['Proxy address', session.proxy === null ? "the gate's own" : <span key="x" className="mono">{session.proxy}</span>],
          ['Backend', <span key="b" className="mono">{session.backend}</span>],
          ['Login', session.login === null ? null : <span key="l" className="mono">{session.login}</span>],
          ['Agent', session.agent_used ? "the person's agent logged in" : 'not used'],
          session.subsystem !== null && ['Subsystem', session.subsystem],
          ['Started last', live.what === null ? null : <span key="t" className="mono">{live.what}</span>],
          ['From the person', bytes(live.bytes_in)],
          ['To the person', bytes(live.bytes_out)],
          running && ['Typed last', session.typed_at === null ? null : <Age key="y" at={session.typed_at} />],
          session.line !== null && ['Line', <span key="u" className="mono">{session.line}</span>],
          ['Node', <PageLink key="n" to="/settings" className="mono">{session.node.slice(-8)}</PageLink>],
          ['Id', <span key="i" className="mono">{session.id}</span>],
        ]}
      />
    </Card>
  );
}

function Why({ session }: { session: Session }) {
  return (
    <>
      <Badge color={endTone(session.end_reason)}>{endWords(session.end_reason)}</Badge>
      {session.ended_by !== null && (
        <>
          {' by '}
          {/^[\w.-]+$/.test(session.ended_by) ? <PageLink to={at`/people/${session.ended_by}`}>{session.ended_by}</PageLink> : session.ended_by}
        </>
      )}
    </>
  );
}

function AllowedUntil({ session }: { session: Session }) {
  const counters = useCounters().get(session.id);
  const running = session.state !== 'closed';
  const until = running && counters !== undefined ? counters.allowed_until : session.allowed_until;
  if (until === null) return 'without end';
  return (
    <>
      <Moment at={until} exact /> {running && <Countdown until={until} />}
    </>
  );
}

/** Less than this is urgent (s). */
const URGENT = 300;

function Countdown({ until }: { until: string }) {
  const left = useTicking((now) => Math.max(0, Math.floor((Date.parse(until) - now) / 1000)));
  return <Badge color={left < URGENT ? 'brick' : 'gray'}>{left === 0 ? 'over' : `${duration(left)} left`}</Badge>;
}
