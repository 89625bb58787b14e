import { Button, Group } from '@mantine/core';
import { useState } from 'react';
import { api, at } from '@/api/client';
import { useCan } from '@/api/session';
import type { User } from '@/api/shapes';
import { ActionButton, useAct } from '@/components/action';
import { PageLink } from '@/components/link';
import { Card } from '@/components/page';
import { Pick } from '@/components/pick';
import { ShortTable, type Cell } from '@/components/rows';

const TOUCHES = ['/users', '/user-groups'];

/** Which groups a person is directly in. */
export function UserGroups({ user }: { user: User }) {
  const admin = useCan('admin');
  const cells: Cell<string>[] = [{ title: 'Group', render: (group) => <PageLink to={at`/user-groups/${group}`}>{group}</PageLink> }];
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
          aria-label={`Take ${user.name} out of ${group}`}
          run={() => api.del(at`/user-groups/${group}/members/${user.name}`)}
          said={`${user.name} is not in ${group} any more.`}
          touches={TOUCHES}
        />
      ),
    });
  }
  return (
    <Card title="Groups" actions={admin && <Join user={user.name} />}>
      <ShortTable label="Groups" cells={cells} rows={user.groups} id={(group) => group} empty={{ title: 'In no group', hint: 'Grants to a group hold for its members and everybody in the groups below.' }} />
    </Card>
  );
}

function Join({ user }: { user: string }) {
  const [group, setGroup] = useState<string | null>(null);
  const [act, busy] = useAct();
  return (
    <Group gap="xs">
      <Pick kind="user_group" value={group} onChange={setGroup} aria-label="Group" size="xs" />
      <Button
        size="xs"
        disabled={group === null}
        loading={busy}
        onClick={() =>
          group !== null &&
          void act({ run: () => api.put(at`/user-groups/${group}/members/${user}`), said: `${user} is in ${group}.`, touches: TOUCHES, then: () => setGroup(null) })
        }
      >
        Put in
      </Button>
    </Group>
  );
}
