import { Alert, Badge, Group, Stack } from '@mantine/core';
import { api, at } from '@/api/client';
import { useItems } from '@/api/queries';
import { useCan } from '@/api/session';
import type { HostKey } from '@/api/shapes';
import { ActionButton } from '@/components/action';
import { Age } from '@/components/moment';
import { Card } from '@/components/page';
import { ShortTable, type Cell } from '@/components/rows';

/** The keys a server has shown: pinned ones, and one that waits. */
export function HostKeys({ server }: { server: string }) {
  const path = at`/servers/${server}/hostkeys`;
  const admin = useCan('admin');
  const asked = useItems<HostKey>(path);
  const cells: Cell<HostKey>[] = [
    { title: 'Kind', render: (key) => key.algorithm },
    { title: 'Fingerprint', render: (key) => <span className="mono">{key.fingerprint}</span> },
    { title: 'State', render: (key) => <Badge color={key.state === 'accepted' ? 'verdigris' : 'brick'}>{key.state === 'accepted' ? 'Accepted' : 'Waits'}</Badge> },
    { title: 'First seen', render: (key) => <Age at={key.first_seen} /> },
    { title: 'Last seen', render: (key) => <Age at={key.last_seen} /> },
    { title: 'Accepted by', render: (key) => (key.state === 'pending' ? '–' : (key.accepted_by ?? 'first use')) },
  ];
  if (admin) cells.push({ title: 'Actions', quiet: true, align: 'right', render: (key) => (key.state === 'pending' ? <Accept path={path} hostKey={key} /> : null) });
  const waits = asked.items.some((key) => key.state === 'pending');
  return (
    <Stack>
      {waits && (
        <Alert color="brick" title="The server shows another key than before">
          Nobody gets in until one is accepted. Ask whoever looks after the machine, over another way, whether the fingerprint below is its new one.
        </Alert>
      )}
      <Card
        title="Host keys"
        actions={
          admin &&
          asked.items.length > 0 && (
            <ActionButton
              label="Forget all"
              size="xs"
              run={() => api.del(path)}
              said="The host keys are forgotten."
              touches={[path]}
              confirm={{ title: 'Forget the host keys?', body: 'Whatever key the server shows next is taken for its own. Do this only where the machine was made anew.', action: 'Forget', danger: true }}
            />
          )
        }
      >
        <ShortTable label="Host keys" busy={asked.isPending} error={asked.error} retry={() => void asked.refetch()} cells={cells} rows={asked.items} id={(key) => key.fingerprint} empty={{ title: 'None seen yet', hint: 'The first key that the server shows is pinned.' }} />
      </Card>
    </Stack>
  );
}

function Accept({ path, hostKey }: { path: string; hostKey: HostKey }) {
  return (
    <Group justify="flex-end">
      <ActionButton
        label="Accept"
        size="xs"
        variant="filled"
        run={() => api.post(`${path}/accept`, { fingerprint: hostKey.fingerprint })}
        said="The key is accepted."
        touches={[path]}
        confirm={{
          title: 'Accept this key?',
          body: (
            <>
              From now on the server is whoever shows <span className="mono">{hostKey.fingerprint}</span>. Accept it only if you know it by another way.
            </>
          ),
          action: 'Accept',
        }}
      />
    </Group>
  );
}
