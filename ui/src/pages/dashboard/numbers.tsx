import { Group, Paper, SimpleGrid, Text } from '@mantine/core';
import { PageLink } from '@/components/link';
import type { Stats } from '@/api/shapes';
import type { Search } from '@/app/search';
import { count } from '@/components/time';

export function Numbers({ stats }: { stats: Stats }) {
  const { counts, success_rate: rate } = stats;
  return (
    <SimpleGrid cols={{ base: 2, sm: 4, xl: 8 }} spacing="sm">
      <Number label="Running now" value={count(counts.active_sessions)} to="/sessions" search={{ state: 'active' }} strong />
      <Number label="Sessions today" value={count(counts.sessions_today)} to="/sessions" />
      <Number label="Denied today" value={count(counts.denied_today)} to="/audit" search={{ outcome: 'denied' }} bad={counts.denied_today > 0} />
      <Number label="Let in, last 24 h" value={rate === null ? '–' : `${Math.round(rate * 100)} %`} />
      <Number label="To decide" value={count(counts.pending_requests)} to="/requests" bad={false} strong={counts.pending_requests > 0} />
      <Number label="People" value={count(counts.users)} to="/people" />
      <Number label="Servers" value={count(counts.servers)} to="/servers" />
      <Number label="Grants in force" value={count(counts.policies)} to="/policies" search={{ state: 'active' }} />
    </SimpleGrid>
  );
}

interface NumberProps {
  label: string;
  value: string;
  to?: string;
  search?: Search;
  bad?: boolean;
  strong?: boolean;
}

function Number({ label, value, to, search, bad = false, strong = false }: NumberProps) {
  const color = bad ? 'var(--mantine-color-error)' : strong ? 'var(--mantine-color-anchor)' : undefined;
  return (
    <Paper px="md" py="sm" radius="md">
      <Text size="xs" c="dimmed">
        {to === undefined ? label : <PageLink to={to} search={search} c="dimmed" fz="xs">{label}</PageLink>}
      </Text>
      <Group gap={6}>
        <Text fz={24} fw={650} lh={1.25} c={color}>
          {value}
        </Text>
      </Group>
    </Paper>
  );
}
