import '@mantine/charts/styles.layer.css';
import { BarChart } from '@mantine/charts';
import { Group, Progress, Stack, Text } from '@mantine/core';
import type { Stats } from '@/api/shapes';
import { PageLink, UserLink } from '@/components/link';
import { Card } from '@/components/page';
import { count } from '@/components/time';

/** Connections of 24 hours, people of 7 days, denials by reason. */
export default function Charts({ stats }: { stats: Stats }) {
  const now = new Date().getHours();
  const hours = stats.per_hour.map((sessions, i) => ({ hour: hourOf(now - (stats.per_hour.length - 1 - i)), Sessions: sessions }));
  const total = stats.per_hour.reduce((sum, sessions) => sum + sessions, 0);
  return (
    <>
      <Card title="Sessions per hour, last 24">
        <div role="img" aria-label={`${total} sessions in the last 24 hours`}>
          <BarChart
            h={180}
            data={hours}
            dataKey="hour"
            series={[{ name: 'Sessions', color: 'verdigris.6' }]}
            gridAxis="y"
            tickLine="none"
            yAxisProps={{ allowDecimals: false, width: 34 }}
            barProps={{ isAnimationActive: false, radius: 2 }}
          />
        </div>
      </Card>
      <Card title="Most sessions in 7 days">
        <Bars rows={stats.top_users.map((entry) => ({ key: entry.user, label: <UserLink name={entry.user} />, value: entry.sessions }))} color="verdigris" none="No sessions yet." />
      </Card>
      <Card title="Denials by reason">
        <Bars
          rows={stats.denials.map((entry) => ({
            key: entry.reason,
            label: <PageLink to="/audit" search={{ outcome: 'denied', text: entry.reason }}>{entry.reason.replaceAll('_', ' ')}</PageLink>,
            value: entry.count,
          }))}
          color="brick"
          none="Nobody was denied."
        />
      </Card>
    </>
  );
}

/** An hour of the viewer's clock; the zones' hours change at the same instants, but for a few. */
function hourOf(hour: number): string {
  return `${String((hour + 24) % 24).padStart(2, '0')}:00`;
}

interface BarsProps {
  rows: { key: string; label: React.ReactNode; value: number }[];
  color: string;
  none: string;
}

function Bars({ rows, color, none }: BarsProps) {
  const most = Math.max(1, ...rows.map((row) => row.value));
  if (rows.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {none}
      </Text>
    );
  }
  return (
    <Stack gap={8}>
      {rows.slice(0, 8).map((row) => (
        <div key={row.key}>
          <Group justify="space-between" mb={2}>
            <Text size="sm">{row.label}</Text>
            <Text size="sm" className="number">
              {count(row.value)}
            </Text>
          </Group>
          <Progress value={(row.value / most) * 100} color={color} size={5} aria-label={`${row.key}: ${row.value}`} />
        </div>
      ))}
    </Stack>
  );
}
