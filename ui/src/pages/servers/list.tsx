import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { api, at } from '@/api/client';
import { useCan } from '@/api/session';
import type { Server } from '@/api/shapes';
import { ActiveBadge } from '@/components/badges';
import { PageLink, RouterLink } from '@/components/link';
import { List, type BulkAction, type Column, type Filter } from '@/components/list/list';
import { Age } from '@/components/moment';
import { Page } from '@/components/page';

const columns: Column<Server>[] = [
  { id: 'name', title: 'Name', sort: 'name', render: (server) => <PageLink to={at`/servers/${server.name}`}>{server.name}</PageLink> },
  { id: 'address', title: 'Address', sort: 'address', from: 'sm', render: (server) => <span className="mono">{server.address}</span> },
  { id: 'services', title: 'Services', render: (server) => server.services.map((service) => `${service.protocol}:${service.port}`).join(', ') || '–' },
  { id: 'proxy', title: 'Proxy address', from: 'md', render: (server) => <span className="mono">{server.proxies.map((proxy) => proxy.address).join(', ') || '–'}</span> },
  { id: 'state', title: 'State', width: 120, render: (server) => <ActiveBadge active={server.active} lock={server.lock} /> },
  { id: 'os', title: 'System', sort: 'os', from: 'lg', width: 90, render: (server) => server.os ?? '–' },
  { id: 'groups', title: 'Groups', from: 'md', render: (server) => server.groups.join(', ') || '–' },
  { id: 'created_at', title: 'Entered', sort: 'created_at', from: 'lg', width: 110, render: (server) => <Age at={server.created_at} /> },
];

const filters: Filter[] = [
  {
    name: 'protocol',
    label: 'Protocol',
    kind: 'choice',
    options: [
      { value: 'ssh', label: 'SSH' },
      { value: 'rdp', label: 'RDP' },
    ],
  },
  {
    name: 'active',
    label: 'State',
    kind: 'choice',
    options: [
      { value: 'true', label: 'In use' },
      { value: 'false', label: 'Switched off' },
    ],
  },
  { name: 'os', label: 'System', kind: 'choice', options: ['linux', 'windows', 'other'].map((value) => ({ value, label: value })) },
  { name: 'locked', label: 'Locked', kind: 'choice', options: [{ value: 'true', label: 'Locked' }] },
  { name: 'group', label: 'Directly in the group', kind: 'text' },
];

const setActive =
  (active: boolean): BulkAction<Server>['run'] =>
  async (servers) => {
    for (const server of servers) await api.patch(at`/servers/${server.name}`, { active });
    return `${servers.length} servers are ${active ? 'in use' : 'switched off'}.`;
  };

const bulk: BulkAction<Server>[] = [
  { label: 'Switch on', run: setActive(true) },
  {
    label: 'Switch off',
    danger: true,
    confirm: { title: 'Switch off {n} servers?', body: 'Running sessions on them end at once. They can be switched on again.' },
    run: setActive(false),
  },
];

export default function ServersPage() {
  const admin = useCan('admin');
  const add = (
    <Button component={RouterLink} to="/servers/new" leftSection={<IconPlus size={16} />}>
      Add a server
    </Button>
  );
  return (
    <Page title="Servers" actions={admin && add}>
      <List<Server>
        name="servers"
        path="/servers"
        columns={columns}
        filters={filters}
        rowId={(server) => server.name}
        open={(server) => at`/servers/${server.name}`}
        defaultSort="name"
        searchLabel="Name, address, description"
        bulk={admin ? bulk : []}
        empty={{ title: 'No servers yet', hint: 'Enter the first machine behind the gate. It gets an address of the pool if there is one.', action: admin && add }}
      />
    </Page>
  );
}
