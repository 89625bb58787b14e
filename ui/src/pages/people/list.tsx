import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { api, at } from '@/api/client';
import { useCan } from '@/api/session';
import type { User } from '@/api/shapes';
import { ActiveBadge, RoleBadge } from '@/components/badges';
import { PageLink, RouterLink } from '@/components/link';
import { List, type BulkAction, type Column, type Filter } from '@/components/list/list';
import { Age } from '@/components/moment';
import { Page } from '@/components/page';

const columns: Column<User>[] = [
  { id: 'name', title: 'Name', sort: 'name', render: (user) => <PageLink to={at`/people/${user.name}`}>{user.name}</PageLink> },
  { id: 'full_name', title: 'In full', sort: 'full_name', from: 'sm', render: (user) => user.full_name ?? '–' },
  { id: 'role', title: 'Role', sort: 'role', width: 110, render: (user) => <RoleBadge role={user.role} /> },
  { id: 'state', title: 'State', width: 130, render: (user) => <ActiveBadge active={user.active} lock={user.lock} /> },
  { id: 'groups', title: 'Groups', from: 'md', render: (user) => user.groups.join(', ') || '–' },
  { id: 'addresses', title: 'Addresses', from: 'md', render: (user) => <span className="mono">{few(user.addresses.map((address) => address.range))}</span> },
  { id: 'created_at', title: 'Entered', sort: 'created_at', from: 'lg', width: 110, render: (user) => <Age at={user.created_at} /> },
];

/** The first two, and how many more. */
function few(items: string[]): string {
  if (items.length === 0) return '–';
  return items.length > 2 ? `${items.slice(0, 2).join(', ')} +${items.length - 2}` : items.join(', ');
}

const filters: Filter[] = [
  { name: 'role', label: 'Role', kind: 'choice', options: ['admin', 'operator', 'auditor', 'user'].map((value) => ({ value, label: value })) },
  {
    name: 'active',
    label: 'State',
    kind: 'choice',
    options: [
      { value: 'true', label: 'In use' },
      { value: 'false', label: 'Switched off' },
    ],
  },
  { name: 'locked', label: 'Locked', kind: 'choice', options: [{ value: 'true', label: 'Locked' }] },
  { name: 'group', label: 'Directly in the group', kind: 'text' },
];

const setActive =
  (active: boolean): BulkAction<User>['run'] =>
  async (users) => {
    for (const user of users) await api.patch(at`/users/${user.name}`, { active });
    return `${users.length} people are ${active ? 'in use' : 'switched off'}.`;
  };

const bulk: BulkAction<User>[] = [
  { label: 'Switch on', run: setActive(true) },
  {
    label: 'Switch off',
    danger: true,
    confirm: { title: 'Switch off {n} people?', body: 'Their running sessions end at once, and nobody comes in from their addresses. They can be switched on again.' },
    run: setActive(false),
  },
];

export default function PeoplePage() {
  const admin = useCan('admin');
  const add = (
    <Button component={RouterLink} to="/people/new" leftSection={<IconPlus size={16} />}>
      Add a person
    </Button>
  );
  return (
    <Page title="People" actions={admin && add}>
      <List<User>
        name="users"
        path="/users"
        columns={columns}
        filters={filters}
        rowId={(user) => user.name}
        open={(user) => at`/people/${user.name}`}
        defaultSort="name"
        searchLabel="Name, mail address"
        bulk={admin ? bulk : []}
        empty={{
          title: 'Nobody is entered yet',
          hint: 'A person is known by the addresses they come from. Enter one, then grant access.',
          action: admin && add,
        }}
      />
    </Page>
  );
}
