import { Button, Group } from '@mantine/core';
import { useState } from 'react';
import { api, at } from '@/api/client';
import { useCan } from '@/api/session';
import type { Server } from '@/api/shapes';
import { ActionButton, useAct } from '@/components/action';
import { PageLink } from '@/components/link';
import { Card } from '@/components/page';
import { Pick } from '@/components/pick';
import { ShortTable, type Cell } from '@/components/rows';

const TOUCHES = ['/servers', '/server-groups'];

/** Which groups a server is directly in. */
export function ServerGroups({ server }: { server: Server }) {
  const admin = useCan('admin');
  const cells: Cell<string>[] = [{ title: 'Group', render: (group) => <PageLink to={at`/server-groups/${group}`}>{group}</PageLink> }];
  if (admin) {
    cells.push({
      title: 'Leave',
      quiet: true,
      align: 'right',
      render: (group) => (
        <ActionButton
          label="Take out"
          size="xs"
          variant="subtle"
          color="brick"
          aria-label={`Take ${server.name} out of ${group}`}
          run={() => api.del(at`/server-groups/${group}/members/${server.name}`)}
          said={`${server.name} is not in ${group} any more.`}
          touches={TOUCHES}
        />
      ),
    });
  }
  return (
    <Card title="Groups" actions={admin && <Join server={server.name} />}>
      <ShortTable label="Groups" cells={cells} rows={server.groups} id={(group) => group} empty={{ title: 'In no group', hint: 'Grants to a group cover the servers in it and in the groups below.' }} />
    </Card>
  );
}

function Join({ server }: { server: string }) {
  const [group, setGroup] = useState<string | null>(null);
  const [act, busy] = useAct();
  return (
    <Group gap="xs">
      <Pick kind="server_group" value={group} onChange={setGroup} aria-label="Group" size="xs" />
      <Button
        size="xs"
        disabled={group === null}
        loading={busy}
        onClick={() =>
          group !== null &&
          void act({ run: () => api.put(at`/server-groups/${group}/members/${server}`), said: `${server} is in ${group}.`, touches: TOUCHES, then: () => setGroup(null) })
        }
      >
        Put in
      </Button>
    </Group>
  );
}
