import { Alert, SimpleGrid, Stack } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { useRead } from '@/api/queries';
import type { Stats } from '@/api/shapes';
import { PageLink } from '@/components/link';
import { Page } from '@/components/page';
import { Failure, PageLoading } from '@/shell/states';
import { ActiveSessions, Pending, RecentAlerts, RecentAudit, RecentSessions, RunningForwards } from './lists';
import { Numbers } from './numbers';
import { Nodes } from './nodes';

// The charts need a library; the numbers do not wait for it.
const Charts = lazy(() => import('./charts'));

/** How often the numbers are read again (ms). The server keeps them for as long. */
const EVERY = 10_000;

export default function DashboardPage() {
  const stats = useRead<Stats>('/stats', undefined, { every: EVERY });
  if (stats.data === undefined) return stats.isError ? <Failure error={stats.error} retry={() => void stats.refetch()} /> : <PageLoading />;
  return (
    <Page title="Dashboard">
      <Numbers stats={stats.data} />
      {stats.data.counts.unreviewed > 0 && (
        <Alert color="brick" title="Break-glass waits for a review">
          Access was opened {stats.data.counts.unreviewed === 1 ? 'once' : `${stats.data.counts.unreviewed} times`} without a decision.{' '}
          <PageLink to="/requests" search={{ tab: 'break-glass' }}>
            Review
          </PageLink>
        </Alert>
      )}
      <ActiveSessions />
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Stack>
          <Nodes nodes={stats.data.nodes} />
          <Pending />
          <RecentSessions />
          <RunningForwards />
          <RecentAlerts />
        </Stack>
        <Stack>
          <Suspense fallback={<div style={{ height: 470 }} />}>
            <Charts stats={stats.data} />
          </Suspense>
          <RecentAudit />
        </Stack>
      </SimpleGrid>
    </Page>
  );
}
