import { Button, Group } from '@mantine/core';
import { useState } from 'react';
import { api, at } from '@/api/client';
import { useCan } from '@/api/session';
import { ActionButton, useAct } from '@/components/action';
import { PageLink } from '@/components/link';
import { Card } from '@/components/page';
import { Pick } from '@/components/pick';
import { ShortTable, type Cell } from '@/components/rows';

/** What differs between people in groups and servers in groups. */
const KINDS = {
  user: {
    groups: '/user-groups',
    touches: ['/users', '/user-groups'],
    pick: 'user_group',
    hint: 'Grants to a group hold for its members and everybody in the groups below.',
  },
  server: {
    groups: '/server-groups',
    touches: ['/servers', '/server-groups'],
    pick: 'server_group',
    hint: 'Grants to a group cover the servers in it and in the groups below.',
  },
} as const;

/** A person or a server, and the groups that it is directly in. */
interface Member {
  kind: keyof typeof KINDS;
  name: string;
  groups: string[];
}

/** Which groups a person or a server is directly in; administrators put in and take out. */
export function Memberships({ kind, name, groups }: Member) {
  const of = KINDS[kind];
  const admin = useCan('admin');
  const cells: Cell<string>[] = [{ title: 'Group', render: (group) => <PageLink to={`${of.groups}${at`/${group}`}`}>{group}</PageLink> }];
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
          aria-label={`Take ${name} out of ${group}`}
          run={() => api.del(`${of.groups}${at`/${group}/members/${name}`}`)}
          said={`${name} is not in ${group} any more.`}
          touches={of.touches}
        />
      ),
    });
  }
  return (
    <Card title="Groups" actions={admin && <Join kind={kind} name={name} />}>
      <ShortTable label="Groups" cells={cells} rows={groups} id={(group) => group} empty={{ title: 'In no group', hint: of.hint }} />
    </Card>
  );
}

function Join({ kind, name }: Omit<Member, 'groups'>) {
  const of = KINDS[kind];
  const [group, setGroup] = useState<string | null>(null);
  const [act, busy] = useAct();
  return (
    <Group gap="xs">
      <Pick kind={of.pick} value={group} onChange={setGroup} aria-label="Group" size="xs" />
      <Button
        size="xs"
        disabled={group === null}
        loading={busy}
        onClick={() =>
          group !== null &&
          void act({ run: () => api.put(`${of.groups}${at`/${group}/members/${name}`}`), said: `${name} is in ${group}.`, touches: of.touches, then: () => setGroup(null) })
        }
      >
        Put in
      </Button>
    </Group>
  );
}
