import { Badge, Group, Stack, Text } from '@mantine/core';
import type { Node } from '@/api/shapes';
import { Age, Lasting } from '@/components/moment';
import { Card } from '@/components/page';

const STATES = { serving: 'verdigris', silent: 'brick', stopped: 'gray' } as const;

/** Nodes with their gates. */
export function Nodes({ nodes }: { nodes: Node[] }) {
  return (
    <Card title="Nodes and gates">
      <Stack gap="sm">
        {nodes.map((node) => {
          const state = node.state ?? (node.stopped_at === null ? 'serving' : 'stopped');
          return (
            <Group key={node.id} justify="space-between" align="flex-start" gap="xs">
              <div>
                <Group gap="xs">
                  <Text fw={600} size="sm">
                    {node.name}
                  </Text>
                  <Badge color={STATES[state]}>{state}</Badge>
                </Group>
                <Group gap={6} mt={4}>
                  {(node.gates ?? []).map((gate) => (
                    <Badge key={`${gate.gate} ${gate.address}`} variant="default" color="gray">
                      {gate.gate} <span className="mono">{gate.address}</span>
                    </Badge>
                  ))}
                </Group>
              </div>
              <Text size="sm" c="dimmed">
                {state === 'serving' ? <>up <Lasting since={node.started_at} until={null} /></> : <>heard of <Age at={node.heartbeat_at} /></>}
              </Text>
            </Group>
          );
        })}
        {nodes.length === 0 && (
          <Text size="sm" c="dimmed">
            No node has been heard of.
          </Text>
        )}
      </Stack>
    </Card>
  );
}
