import { Button, Select, SimpleGrid, Stack, Switch, Text, TextInput } from '@mantine/core';
import { api, at } from '@/api/client';
import { useCan } from '@/api/session';
import type { Role, User } from '@/api/shapes';
import { useAct } from '@/components/action';
import { Form, Submit, useApiForm } from '@/components/form';
import { useGo } from '@/components/link';
import { Moment } from '@/components/moment';
import { Card, Facts } from '@/components/page';
import { useSaved } from '@/components/saved';
import { ROLES } from './roles';

export function Overview({ user, tag }: { user: User; tag: string | null }) {
  const admin = useCan('admin');
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      {admin ? <Edit user={user} tag={tag} /> : <Shown user={user} />}
      <Stack>
        <Card title="At a glance">
          <Facts
            facts={[
              ['Addresses', <span className="mono">{user.addresses.map((address) => address.range).join(', ') || 'none: nobody is taken for this person'}</span>],
              ['Keys', user.keys.length === 0 ? 'none: the source address alone proves who it is' : `${user.keys.length}; one of them must be shown`],
              ['Groups', user.groups.join(', ') || 'none'],
              user.lock !== null && ['Locked', <>{user.lock.until === null ? 'until it is lifted' : <>until <Moment at={user.lock.until} /></>}{user.lock.reason ? `: ${user.lock.reason}` : ''}</>],
            ]}
          />
        </Card>
        {admin && <Remove user={user} tag={tag} />}
      </Stack>
    </SimpleGrid>
  );
}

function Shown({ user }: { user: User }) {
  return (
    <Card title="Entry">
      <Facts
        facts={[
          ['Name', user.name],
          ['In full', user.full_name],
          ['Mail', user.email],
          ['Role', user.role],
        ]}
      />
    </Card>
  );
}

function Edit({ user, tag }: { user: User; tag: string | null }) {
  const go = useGo();
  const saved = useSaved();
  const entry = useApiForm({
    initial: { name: user.name, full_name: user.full_name ?? '', email: user.email ?? '', role: user.role as Role, active: user.active },
    submit: async (values) => {
      const after = await api.patch<User>(
        at`/users/${user.name}`,
        { ...values, name: values.name.trim(), full_name: values.full_name.trim() || null, email: values.email.trim() || null },
        { tag },
      );
      saved(`${after.name} is changed.`, ['/users']);
      if (after.name !== user.name) go(at`/people/${after.name}`, {}, { replace: true });
    },
  });
  const { form } = entry;
  return (
    <Card title="Entry">
      <Form of={entry} label="Entry">
        <Stack gap="sm">
          <TextInput label="Name" required {...form.getInputProps('name')} />
          <TextInput label="Name in full" {...form.getInputProps('full_name')} />
          <TextInput label="Mail address" type="email" {...form.getInputProps('email')} />
          <Select label="Role" data={ROLES} {...form.getInputProps('role')} />
          <Switch
            label="In use"
            description="Switched off, running sessions end and nobody comes in from these addresses."
            {...form.getInputProps('active', { type: 'checkbox' })}
          />
        </Stack>
        <Submit busy={entry.busy} label="Save" disabled={!form.isDirty()} />
      </Form>
    </Card>
  );
}

function Remove({ user, tag }: { user: User; tag: string | null }) {
  const [act, busy] = useAct();
  const go = useGo();
  return (
    <Card title="Remove">
      <Text size="sm" c="dimmed" mb="sm">
        Removes the entry with its addresses, keys and grants. Sessions, recordings and the audit book stay.
      </Text>
      <Button
        variant="light"
        color="brick"
        loading={busy}
        onClick={() =>
          void act({
            run: () => api.del(at`/users/${user.name}`, { tag }),
            said: `${user.name} is removed.`,
            touches: ['/users', '/policies', '/user-groups'],
            confirm: {
              title: `Remove ${user.name}?`,
              body: 'Running sessions end at once, and all grants of this person are gone. This cannot be undone; switching off can.',
              action: 'Remove',
              danger: true,
            },
            then: () => go('/people'),
          })
        }
      >
        Remove {user.name}
      </Button>
    </Card>
  );
}
