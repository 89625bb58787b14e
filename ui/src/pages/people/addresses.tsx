import { Badge, Checkbox, Group, Stack, Switch, TextInput } from '@mantine/core';
import { api, at } from '@/api/client';
import { useCan } from '@/api/session';
import type { User, UserAddress } from '@/api/shapes';
import { ActionButton, useAct } from '@/components/action';
import { Form, Submit, useApiForm } from '@/components/form';
import { PageLink } from '@/components/link';
import { Age } from '@/components/moment';
import { Card } from '@/components/page';
import { ShortTable, type Cell } from '@/components/rows';
import { useSaved } from '@/components/saved';

export function Addresses({ user }: { user: User }) {
  const admin = useCan('admin');
  const cells: Cell<UserAddress>[] = [
    { title: 'Range', render: (address) => <span className="mono">{address.range}</span> },
    { title: 'Note', render: (address) => address.label ?? '–' },
    { title: 'Lies inside', render: (address) => <Inside address={address} /> },
    { title: 'Entered', render: (address) => <Age at={address.created_at} /> },
    { title: 'In use', render: (address) => <InUse user={user.name} address={address} fixed={!admin} /> },
  ];
  if (admin) cells.push({ title: 'Remove', quiet: true, align: 'right', render: (address) => <Remove user={user.name} address={address} /> });
  return (
    <Stack>
      <Card title="Source addresses">
        <ShortTable
          label="Source addresses"
          cells={cells}
          rows={user.addresses}
          id={(address) => address.id}
          empty={{ title: 'No addresses', hint: 'Nobody is taken for this person until an address is entered.' }}
        />
      </Card>
      {admin && <Add user={user.name} />}
    </Stack>
  );
}

function Inside({ address }: { address: UserAddress }) {
  if (address.inside.length === 0) return <>–</>;
  return (
    <Group gap={6}>
      {address.inside.map((holder) => (
        <Badge key={`${holder.user} ${holder.range}`} color="brass">
          <PageLink to={at`/people/${holder.user}`} c="inherit">
            {holder.user}
          </PageLink>{' '}
          {holder.range}
        </Badge>
      ))}
    </Group>
  );
}

function InUse({ user, address, fixed }: { user: string; address: UserAddress; fixed: boolean }) {
  const [act, busy] = useAct();
  return (
    <Switch
      aria-label={`${address.range} in use`}
      checked={address.active}
      disabled={fixed || busy}
      onChange={(event) => {
        const active = event.currentTarget.checked;
        void act({
          run: () => api.patch(at`/users/${user}/addresses/${address.range}`, { active }),
          said: `${address.range} is ${active ? 'in use' : 'switched off'}.`,
          touches: ['/users'],
        });
      }}
    />
  );
}

function Remove({ user, address }: { user: string; address: UserAddress }) {
  return (
    <ActionButton
      label="Remove"
      size="xs"
      variant="subtle"
      color="brick"
      aria-label={`Remove ${address.range}`}
      run={() => api.del(at`/users/${user}/addresses/${address.range}`)}
      said={`${address.range} is removed.`}
      touches={['/users']}
      confirm={{
        title: `Remove ${address.range}?`,
        body: `Running sessions of ${user} from there end at once. If the range lies inside a wider one, its person comes from there afterwards; switching off instead keeps everybody out.`,
        action: 'Remove',
        danger: true,
      }}
    />
  );
}

function Add({ user }: { user: string }) {
  const saved = useSaved();
  const address = useApiForm({
    initial: { range: '', label: '', inside: false },
    validate: { range: (range) => (range.trim() === '' ? 'An address or range is needed.' : null) },
    submit: async (values) => {
      const range = values.range.trim();
      await api.create(at`/users/${user}/addresses`, { range, label: values.label.trim() || null, inside: values.inside });
      saved(`${range} is ${user}'s.`, ['/users']);
      address.form.reset();
    },
  });
  const { form } = address;
  return (
    <Card title="Add an address">
      <Form of={address} label="Add an address">
        <Group align="flex-start" grow preventGrowOverflow={false}>
          <TextInput label="Address or range" placeholder="10.20.0.0/24" required {...form.getInputProps('range')} />
          <TextInput label="Note" placeholder="home office" {...form.getInputProps('label')} />
        </Group>
        <Checkbox mt="sm" label="It may lie inside another person's range, or around one" {...form.getInputProps('inside', { type: 'checkbox' })} />
        <Submit busy={address.busy} label="Add" />
      </Form>
    </Card>
  );
}
