import { Badge, Group, Text, Tooltip } from '@mantine/core';
import { api, at } from '@/api/client';
import { useCan } from '@/api/session';
import type { Alert } from '@/api/shapes';
import { sentence } from '@/api/problem';
import { ActionButton } from '@/components/action';
import { PageLink } from '@/components/link';
import { List, type Column } from '@/components/list/list';
import { Age } from '@/components/moment';
import { Page } from '@/components/page';

const DELIVERY = { waiting: 'brass', delivered: 'verdigris', given_up: 'brick' } as const;

const columns: Column<Alert>[] = [
  { id: 'time', title: 'When', width: 110, render: (alert) => <Age at={alert.time} /> },
  { id: 'kind', title: 'Kind', width: 160, from: 'sm', render: (alert) => <Badge color={alert.kind === 'test' ? 'gray' : 'brick'}>{alert.kind.replaceAll('_', ' ')}</Badge> },
  { id: 'sentence', title: 'What', render: (alert) => <Text size="sm">{sentence(alert.sentence)}</Text> },
  {
    id: 'session',
    title: 'Session',
    from: 'lg',
    width: 110,
    render: (alert) => (alert.event?.session ? <PageLink to={at`/sessions/${alert.event.session}`}>{alert.event.session.slice(-8)}</PageLink> : '–'),
  },
  {
    id: 'deliveries',
    title: 'Told',
    from: 'md',
    render: (alert) =>
      alert.deliveries.length === 0 ? (
        '–'
      ) : (
        <Group gap={4}>
          {alert.deliveries.map((delivery) => (
            <Tooltip key={delivery.hook} label={delivery.error ?? `${delivery.attempts} attempts`}>
              <Badge color={DELIVERY[delivery.state] ?? 'gray'} tabIndex={0}>
                {delivery.hook}: {delivery.state.replace('_', ' ')}
              </Badge>
            </Tooltip>
          ))}
        </Group>
      ),
  },
];

export default function AlertsPage() {
  const admin = useCan('admin');
  return (
    <Page
      title="Alerts"
      about="What people are told of at once, by command or webhook."
      actions={admin && <ActionButton label="Send a test" run={() => api.post('/alerts/test')} said="A test alert is on its way." touches={['/alerts']} />}
    >
      <List<Alert> name="alerts" path="/alerts" columns={columns} rowId={(alert) => String(alert.id)} searchLabel={null} empty={{ title: 'No alerts', hint: 'Denials, changed host keys, failed recordings and the like appear here.' }} />
    </Page>
  );
}
