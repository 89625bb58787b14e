import { Stack, Text, Textarea } from '@mantine/core';
import { api, at } from '@/api/client';
import { useCan } from '@/api/session';
import type { User, UserKey } from '@/api/shapes';
import { ActionButton } from '@/components/action';
import { CopyIcon } from '@/components/copy';
import { Form, Submit, useApiForm } from '@/components/form';
import { Age } from '@/components/moment';
import { Card } from '@/components/page';
import { ShortTable, type Cell } from '@/components/rows';
import { useSaved } from '@/components/saved';

export function Keys({ user }: { user: User }) {
  const admin = useCan('admin');
  const cells: Cell<UserKey>[] = [
    { title: 'Kind', render: (key) => key.algorithm },
    { title: 'Fingerprint', render: (key) => <span className="mono">{key.fingerprint}</span> },
    { title: 'Comment', render: (key) => key.comment ?? '–' },
    { title: 'Registered', render: (key) => <Age at={key.created_at} /> },
    { title: 'Copy', quiet: true, render: (key) => <CopyIcon text={key.openssh} label="Copy the public key" /> },
  ];
  if (admin) cells.push({ title: 'Remove', quiet: true, align: 'right', render: (key) => <Remove user={user.name} fingerprint={key.fingerprint} /> });
  return (
    <Stack>
      <Card title="Registered keys">
        <Text size="sm" c="dimmed" mb="sm">
          Where keys are registered, one of them must be shown at the gate before anything else.
        </Text>
        <ShortTable label="Registered keys" cells={cells} rows={user.keys} id={(key) => key.fingerprint} empty={{ title: 'No keys', hint: 'The source address alone proves who it is. Stored credentials are not used then.' }} />
      </Card>
      {admin && <Add user={user.name} />}
    </Stack>
  );
}

function Remove({ user, fingerprint }: { user: string; fingerprint: string }) {
  return (
    <ActionButton
      label="Remove"
      size="xs"
      variant="subtle"
      color="brick"
      aria-label={`Remove ${fingerprint}`}
      run={() => api.del(at`/users/${user}/keys/${fingerprint}`)}
      said="The key is removed."
      touches={['/users']}
      confirm={{ title: 'Remove this key?', body: `If it is the last one, the address alone is enough for ${user} again.`, action: 'Remove', danger: true }}
    />
  );
}

function Add({ user }: { user: string }) {
  const saved = useSaved();
  const key = useApiForm({
    initial: { key: '' },
    validate: { key: (text) => (text.trim() === '' ? 'Paste a public key, such as the content of id_ed25519.pub.' : null) },
    submit: async (values) => {
      await api.create(at`/users/${user}/keys`, { key: values.key.trim() });
      saved('The key is registered.', ['/users']);
      key.form.reset();
    },
  });
  return (
    <Card title="Register a key">
      <Form of={key} label="Register a key">
        <Textarea label="Public key" placeholder="ssh-ed25519 AAAA… comment" autosize minRows={2} spellCheck={false} required {...key.form.getInputProps('key')} />
        <Submit busy={key.busy} label="Register" />
      </Form>
    </Card>
  );
}
