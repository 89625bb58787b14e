import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { api, at } from '@/api/client';
import { useCan } from '@/api/session';
import type { Policy } from '@/api/shapes';
import { RouterLink } from '@/components/link';
import { List, type BulkAction, type Filter } from '@/components/list/list';
import { Page } from '@/components/page';
import { policyColumns } from '@/components/policy-columns';

const filters: Filter[] = [
  {
    name: 'state',
    label: 'State',
    kind: 'choice',
    options: [
      { value: 'active', label: 'Active' },
      { value: 'scheduled', label: 'Scheduled' },
      { value: 'expired', label: 'Expired' },
      { value: 'revoked', label: 'Revoked' },
    ],
  },
  {
    name: 'protocol',
    label: 'Protocol',
    kind: 'choice',
    options: [
      { value: 'ssh', label: 'SSH' },
      { value: 'rdp', label: 'RDP' },
    ],
  },
  { name: 'user', label: 'Person', kind: 'text' },
  { name: 'group', label: 'Group of people', kind: 'text' },
  { name: 'server', label: 'Server', kind: 'text' },
  { name: 'server_group', label: 'Group of servers', kind: 'text' },
];

interface BulkAnswer {
  results?: { id?: number; error?: string | null; detail?: string | null }[];
}

async function bulk(action: 'renew' | 'revoke' | 'remove', policies: Policy[], more: Record<string, string> = {}): Promise<string> {
  await api.create<BulkAnswer>('/policies/bulk', { action, policies: policies.map((policy) => policy.id), atomic: true, ...more });
  const done = { renew: 'renewed', revoke: 'revoked', remove: 'removed' }[action];
  return policies.length === 1 ? `One grant is ${done}.` : `${policies.length} grants are ${done}.`;
}

const actions: BulkAction<Policy>[] = [
  {
    label: 'Renew',
    confirm: {
      title: 'Renew {n} grants',
      body: 'Each end moves on from where it is, or from now if it has passed. What was revoked is in force again. All or none is done.',
      ask: { label: 'By how much', initial: '30d', required: true, hint: '2h, 30d, 1M, 1y' },
    },
    run: (policies, given) => bulk('renew', policies, { for: given }),
  },
  {
    label: 'Revoke',
    danger: true,
    confirm: { title: 'Revoke {n} grants?', body: 'Sessions that only they allow end at once. They can be renewed later.' },
    run: (policies) => bulk('revoke', policies),
  },
  {
    label: 'Delete',
    danger: true,
    confirm: { title: 'Delete {n} grants?', body: 'They are gone for good; the audit book keeps what they said. Revoking can be undone, this cannot.' },
    run: (policies) => bulk('remove', policies),
  },
];

export default function GrantsPage() {
  const admin = useCan('admin');
  const add = (
    <Button component={RouterLink} to="/policies/new" leftSection={<IconPlus size={16} />}>
      New grant
    </Button>
  );
  return (
    <Page title="Grants" actions={admin && add}>
      <List<Policy>
        name="policies"
        path="/policies"
        columns={policyColumns}
        filters={filters}
        rowId={(policy) => String(policy.id)}
        open={(policy) => at`/policies/${policy.id}`}
        defaultSort="-created_at"
        searchLabel="Person, server, group, reason"
        bulk={admin ? actions : []}
        empty={{ title: 'No grants yet', hint: 'Nobody reaches anything without one. Any one that allows is enough.', action: admin && add }}
      />
    </Page>
  );
}
