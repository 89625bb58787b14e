import { Badge, Checkbox, Group, PasswordInput, SegmentedControl, Stack, Text, TextInput, Textarea } from '@mantine/core';
import { api, at } from '@/api/client';
import { useItems } from '@/api/queries';
import { useCan } from '@/api/session';
import type { Credential } from '@/api/shapes';
import { ActionButton } from '@/components/action';
import { Form, Submit, useApiForm } from '@/components/form';
import { Age } from '@/components/moment';
import { Card } from '@/components/page';
import { ShortTable, type Cell } from '@/components/rows';
import { useSaved } from '@/components/saved';

/** What the gate logs in with, so that people need not know it. Secrets are never shown. */
export function Credentials({ server }: { server: string }) {
  const path = at`/servers/${server}/credentials`;
  const admin = useCan('admin');
  const asked = useItems<Credential>(path);
  const cells: Cell<Credential>[] = [
    { title: 'Login', render: (entry) => <span className="mono">{entry.login ?? 'any other'}</span> },
    { title: 'Kind', render: (entry) => entry.kind },
    {
      title: 'Used for',
      render: (entry) =>
        entry.address_is_enough ? <Badge color="brass">whoever comes from a known address</Badge> : <>people who proved a key or signed in</>,
    },
    { title: 'Stored', render: (entry) => <Age at={entry.created_at} /> },
    { title: 'By', render: (entry) => entry.created_by },
  ];
  if (admin) cells.push({ title: 'Remove', quiet: true, align: 'right', render: (entry) => <Remove path={path} entry={entry} /> });
  return (
    <Stack>
      <Card title="Stored credentials">
        <ShortTable label="Stored credentials" busy={asked.isPending} error={asked.error} retry={() => void asked.refetch()} cells={cells} rows={asked.items} id={(entry) => entry.id} empty={{ title: 'None', hint: 'People log in with their agent or the password they type.' }} />
      </Card>
      {admin && <Add path={path} />}
    </Stack>
  );
}

function Remove({ path, entry }: { path: string; entry: Credential }) {
  const login = entry.login ?? '*';
  return (
    <ActionButton
      label="Remove"
      size="xs"
      variant="subtle"
      color="brick"
      aria-label={`Remove the credential for ${login}`}
      run={() => api.del(`${path}/${encodeURIComponent(login)}`)}
      said="The credential is removed."
      touches={[path]}
      confirm={{ title: 'Remove this credential?', body: 'The secret is gone for good. Whoever logs in with it must bring their own.', action: 'Remove', danger: true }}
    />
  );
}

function Add({ path }: { path: string }) {
  const saved = useSaved();
  const of = useApiForm({
    initial: { login: '', kind: 'key', password: '', key: '', address_is_enough: false },
    validate: {
      password: (text, { kind }) => (kind === 'password' && text === '' ? 'A password is needed.' : null),
      key: (text, { kind }) => (kind === 'key' && text.trim() === '' ? 'Paste a private key in OpenSSH form, without passphrase.' : null),
    },
    submit: async (values) => {
      const secret = values.kind === 'password' ? { password: values.password } : { key: values.key.endsWith('\n') ? values.key : `${values.key}\n` };
      await api.create(path, { login: values.login.trim() || null, address_is_enough: values.address_is_enough, ...secret });
      saved('The credential is stored.', [path]);
      of.form.reset();
    },
  });
  const { form } = of;
  return (
    <Card title="Store a credential">
      <Form of={of} label="Store a credential">
        <Stack gap="sm" maw={640}>
          <Group align="flex-end">
            <TextInput label="Login" description="Empty: for every login that has none of its own." placeholder="root" autoComplete="off" {...form.getInputProps('login')} style={{ flex: 1 }} />
            <SegmentedControl
              aria-label="Kind"
              data={[
                { value: 'key', label: 'Private key' },
                { value: 'password', label: 'Password' },
              ]}
              {...form.getInputProps('kind')}
            />
          </Group>
          {form.getValues().kind === 'password' ? (
            <PasswordInput label="Password" autoComplete="new-password" {...form.getInputProps('password')} />
          ) : (
            <Textarea label="Private key" placeholder="-----BEGIN OPENSSH PRIVATE KEY-----" autosize minRows={4} maxRows={12} spellCheck={false} {...form.getInputProps('key')} />
          )}
          <Checkbox label="A known source address is enough to use it" {...form.getInputProps('address_is_enough', { type: 'checkbox' })} />
          {form.getValues().address_is_enough && (
            <Text size="xs" c="var(--mantine-color-error)">
              The source address is then the only proof of who logs in as this account.
            </Text>
          )}
        </Stack>
        <Submit busy={of.busy} label="Store" />
      </Form>
    </Card>
  );
}
