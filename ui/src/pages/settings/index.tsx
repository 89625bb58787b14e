import { Badge, Stack, Text, Title } from '@mantine/core';
import { useItems, useRead } from '@/api/queries';
import type { Node } from '@/api/shapes';
import { CopyIcon } from '@/components/copy';
import { Age, Lasting } from '@/components/moment';
import { Card, Page } from '@/components/page';
import { ShortTable } from '@/components/rows';
import { PageTabs } from '@/components/tabs';
import { Failure, PageLoading } from '@/shell/states';

export default function SettingsPage() {
  return (
    <Page title="Settings and nodes" about="The configuration is a file on each node; it is shown here without secrets.">
      <PageTabs
        label="Settings and nodes"
        tabs={[
          { id: 'nodes', label: 'Nodes', render: () => <Nodes /> },
          { id: 'keys', label: 'Keys', render: () => <Keys /> },
          { id: 'configuration', label: 'Configuration', render: () => <Configuration /> },
        ]}
      />
    </Page>
  );
}

const STATES = { serving: 'verdigris', silent: 'brick', stopped: 'gray' } as const;

function Nodes() {
  const asked = useItems<Node>('/nodes', undefined, { every: 15_000 });
  return (
    <Card title="Nodes">
      <ShortTable
        label="Nodes"
        busy={asked.isPending}
        error={asked.error}
        retry={() => void asked.refetch()}
        rows={asked.items}
        id={(node) => node.id}
        empty={{ title: 'No node has served yet' }}
        cells={[
          { title: 'Name', render: (node) => (node.this ? `${node.name} (this one)` : node.name) },
          { title: 'State', render: (node) => <NodeBadge node={node} /> },
          { title: 'Up for', render: (node) => <Lasting since={node.started_at} until={node.stopped_at} /> },
          { title: 'Heard of', render: (node) => <Age at={node.heartbeat_at} /> },
          { title: 'Reached at', render: (node) => <span className="mono">{node.address ?? '–'}</span> },
          { title: 'Id', render: (node) => <span className="mono">{node.id.slice(-8)}</span> },
        ]}
      />
    </Card>
  );
}

export function NodeBadge({ node }: { node: Pick<Node, 'state' | 'stopped_at'> }) {
  const state = node.state ?? (node.stopped_at === null ? 'serving' : 'stopped');
  return <Badge color={STATES[state]}>{state}</Badge>;
}

interface GateKey {
  algorithm: string;
  fingerprint: string | null;
  public: string;
  server: string | null;
}

interface RecordingKey {
  id: string;
  public: string;
  created_at: string;
  retired_at: string | null;
}

function Keys() {
  const gate = useItems<GateKey>('/gate-keys');
  const recording = useItems<RecordingKey>('/recording-keys');
  return (
    <Stack>
      <Card title="Host keys of the gate">
        <Text size="sm" c="dimmed" mb="sm">
          What clients see at every proxy address, unless a server has keys of its own here.
        </Text>
        <ShortTable
          label="Host keys of the gate"
          busy={gate.isPending}
          error={gate.error}
          rows={gate.items}
          id={(key) => key.public}
          empty={{ title: 'None yet' }}
          cells={[
            { title: 'Kind', render: (key) => key.algorithm },
            { title: 'Fingerprint', render: (key) => <span className="mono">{key.fingerprint ?? '–'}</span> },
            { title: 'For', render: (key) => key.server ?? 'all' },
            { title: 'Copy', quiet: true, align: 'right', render: (key) => <CopyIcon text={key.public} label="Copy the key" /> },
          ]}
        />
      </Card>
      <Card title="Keys that sign recordings">
        <ShortTable
          label="Keys that sign recordings"
          busy={recording.isPending}
          error={recording.error}
          rows={recording.items}
          id={(key) => key.id}
          empty={{ title: 'None yet' }}
          cells={[
            { title: 'Key', render: (key) => <span className="mono">{key.id}</span> },
            { title: 'Made', render: (key) => <Age at={key.created_at} /> },
            { title: 'Retired', render: (key) => <Age at={key.retired_at} none="in use" /> },
            { title: 'Copy', quiet: true, align: 'right', render: (key) => <CopyIcon text={key.public} label="Copy the key" /> },
          ]}
        />
      </Card>
    </Stack>
  );
}

type Settings = Record<string, unknown>;

function Configuration() {
  const asked = useRead<Settings>('/settings');
  if (asked.data === undefined) return asked.isError ? <Failure error={asked.error} retry={() => void asked.refetch()} /> : <PageLoading />;
  const entries = Object.entries(asked.data);
  const sections = entries.filter(([, value]) => isSection(value)) as [string, Settings][];
  const single = entries.filter(([, value]) => !isSection(value));
  return (
    <Stack>
      {[['', Object.fromEntries(single)] as [string, Settings], ...sections].map(([name, values]) => (
        <Card key={name}>
          <Title order={2} className="mono" mb="xs">
            {name === '' ? 'top' : `[${name}]`}
          </Title>
          <ShortTable
            label={name || 'top'}
            rows={flat(values)}
            id={([key]) => key}
            empty={{ title: 'Nothing set' }}
            cells={[
              { title: 'Key', render: ([key]) => <span className="mono">{key}</span> },
              { title: 'Value', render: ([, value]) => <span className="mono">{value}</span> },
            ]}
          />
        </Card>
      ))}
    </Stack>
  );
}

function isSection(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Tables within a section become dotted keys, as in the file. */
function flat(values: Settings, above = ''): [string, string][] {
  return Object.entries(values).flatMap(([key, value]) => (isSection(value) ? flat(value, `${above}${key}.`) : [[`${above}${key}`, JSON.stringify(value)] as [string, string]]));
}
