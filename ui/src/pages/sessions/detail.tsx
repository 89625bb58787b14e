import { Alert, Skeleton } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { lazy, Suspense, useMemo, useRef } from 'react';
import { at } from '@/api/client';
import { reading, useRead } from '@/api/queries';
import { useCan } from '@/api/session';
import type { Session } from '@/api/shapes';
import { ProtocolBadge, SessionBadge } from '@/components/badges';
import { KillButton } from '@/components/kill';
import { ServerLink, UserLink } from '@/components/link';
import { useListSearch } from '@/components/list/use-list';
import { Moment } from '@/components/moment';
import { Card, Page } from '@/components/page';
import { placeSearch, readPlace } from '@/player/place';
import { Failure, PageLoading } from '@/shell/states';
import { SessionEvents } from './events';
import { SessionFacts } from './facts';
import { Forwards, Transfers } from './parts';
import { RecordingCard } from './recording';
import { marksOf } from './words';

const SessionPlayer = lazy(() => import('@/player'));

/** How often a running session is read again, beside what live events say of it (ms). */
const OFTEN = 10_000;

export default function SessionPage() {
  const { session: id } = useParams({ strict: false }) as { session: string };
  const path = at`/sessions/${id}`;
  const running = useQueryClient().getQueryData<Session>(reading(path).queryKey)?.state !== 'closed';
  const read = useRead<Session>(path, undefined, { every: running ? OFTEN : undefined });
  if (read.data !== undefined) return <Loaded session={read.data} readAt={read.dataUpdatedAt} />;
  return read.isError ? <Failure error={read.error} retry={() => void read.refetch()} /> : <PageLoading />;
}

function Loaded({ session, readAt }: { session: Session; readAt: number }) {
  const auditor = useCan('auditor');
  const operator = useCan('operator');
  const running = session.state !== 'closed';
  const moment = usePlaceInAddress();
  return (
    <Page
      title={`${session.user} at ${session.server}`}
      above={[{ label: 'Sessions', to: '/sessions' }]}
      mark={
        <>
          <SessionBadge state={session.state} />
          <ProtocolBadge protocol={session.protocol} />
        </>
      }
      about={
        <>
          <UserLink name={session.user} /> as <b>{session.login ?? 'unknown'}</b> at <ServerLink name={session.server} />, from <Moment at={session.started_at} exact />
        </>
      }
      actions={operator && running && <KillButton id={session.id} user={session.user} server={session.server} />}
    >
      {session.end_detail !== null && (
        <Alert color={session.end_reason === 'normal' ? 'gray' : 'brass'} variant="light">
          {session.end_detail}
        </Alert>
      )}
      {auditor && session.protocol === 'ssh' && <Watch session={session} readAt={readAt} moment={moment} />}
      <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 380px), 1fr))', gap: 16, alignItems: 'start' }}>
        <SessionFacts session={session} />
        {auditor && <RecordingCard session={session} />}
      </div>
      <Transfers session={session} jump={moment.jump} />
      <Forwards session={session} jump={moment.jump} />
      <SessionEvents session={session} jump={moment.jump} />
    </Page>
  );
}

/** The moment that the address names, and the way to another one. */
function usePlaceInAddress() {
  const [search, change] = useListSearch(false);
  const place = useMemo(() => readPlace(search), [search.t, search.channel]);
  const jump = (t: number) => {
    change(placeSearch({ t, channel: place.channel }));
    document.getElementById('player')?.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  };
  return { place, change, jump };
}

export type Moments = ReturnType<typeof usePlaceInAddress>;

function Watch({ session, readAt, moment }: { session: Session; readAt: number; moment: Moments }) {
  const marks = useMemo(() => marksOf(session), [session]);
  const known = useRef({ session, readAt });
  known.current = { session, readAt };
  // Counted on from what the server said, so that a wrong clock here does not matter.
  const lasted = useRef(() => known.current.session.duration_seconds + (known.current.session.state === 'closed' ? 0 : (Date.now() - known.current.readAt) / 1000));
  if (session.recording === null && session.state === 'closed') {
    return <Card title="Recording">Nothing of this session was recorded.</Card>;
  }
  return (
    <div id="player">
      <Suspense fallback={<Skeleton height={420} aria-label="Loading the player" />}>
        <SessionPlayer
          session={session.id}
          startedAt={session.started_at}
          running={session.state !== 'closed'}
          lasted={lasted.current}
          events={marks}
          place={moment.place}
          onPlace={(place) => moment.change(placeSearch(place))}
        />
      </Suspense>
    </div>
  );
}
