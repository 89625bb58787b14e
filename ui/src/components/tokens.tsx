import { Alert, Badge, Button, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { api } from '@/api/client';
import { useItems } from '@/api/queries';
import type { Token, TokenScope } from '@/api/shapes';
import { ActionButton } from './action';
import { Copyable } from './copy';
import { DurationInput } from './duration-input';
import { Form, Submit, useApiForm } from './form';
import { UserLink } from './link';
import { Age } from './moment';
import { Card } from './page';
import { Pick } from './pick';
import { ShortTable, type Cell } from './rows';
import { useSaved } from './saved';

const SCOPES: { value: TokenScope; label: string }[] = [
  { value: 'own', label: 'own: what is theirs' },
  { value: 'read', label: 'read: as an auditor' },
  { value: 'operate', label: 'operate: as an operator' },
  { value: 'admin', label: 'admin: everything' },
];

/** Tokens of the API: one's own, or everybody's. */
export function TokenTable({ own = false }: { own?: boolean }) {
  const path = own ? '/me/tokens' : '/tokens';
  const asked = useItems<Token>(path);
  const [adding, setAdding] = useState(false);
  const cells: Cell<Token>[] = [
    { title: 'Note', render: (token) => token.label ?? '–' },
    ...(own ? [] : [{ title: 'Person', render: (token: Token) => <UserLink name={token.user} /> }]),
    { title: 'Scope', render: (token) => <Badge color={token.scope === 'admin' ? 'brass' : 'gray'}>{token.scope}</Badge> },
    { title: 'From', render: (token) => <span className="mono">{token.from ?? 'anywhere'}</span> },
    { title: 'Ends', render: (token) => <Age at={token.expires_at} none="never" /> },
    { title: 'Used', render: (token) => <Age at={token.used_at} none="never" /> },
    {
      title: 'Revoke',
      quiet: true,
      align: 'right',
      render: (token) => (
        <ActionButton
          label="Revoke"
          size="xs"
          variant="subtle"
          color="brick"
          aria-label={`Revoke the token ${token.label ?? token.id}`}
          run={() => api.del(`${path}/${token.id}`)}
          said="The token is revoked."
          touches={['/tokens', '/me/tokens']}
          confirm={{ title: 'Revoke this token?', body: 'Whatever uses it is refused at once. This cannot be undone.', action: 'Revoke', danger: true }}
        />
      ),
    },
  ];
  const add = (
    <Button size={own ? 'xs' : 'sm'} leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
      Make a token
    </Button>
  );
  return (
    <Card title="Tokens" actions={add}>
      <ShortTable
        label="Tokens"
        busy={asked.isPending}
        error={asked.error}
        retry={() => void asked.refetch()}
        cells={cells}
        rows={asked.items}
        id={(token) => String(token.id)}
        empty={{ title: 'No tokens', hint: 'A token lets a script use the API as its person, never beyond their role.' }}
      />
      <Modal opened={adding} onClose={() => setAdding(false)} title="New token">
        {adding && <Make own={own} path={path} close={() => setAdding(false)} />}
      </Modal>
    </Card>
  );
}

function Make({ own, path, close }: { own: boolean; path: string; close: () => void }) {
  const saved = useSaved();
  const [made, setMade] = useState<string | null>(null);
  const of = useApiForm({
    initial: { user: null as string | null, label: '', for: '90d', scope: (own ? 'own' : 'read') as TokenScope, from: '' },
    validate: { user: (user) => (!own && user === null ? 'Say whose it is.' : null) },
    submit: async (values) => {
      const body = { label: values.label.trim() || null, for: values.for.trim() || null, scope: values.scope, from: values.from.trim() || null };
      const token = await api.create<Token>(path, own ? body : { user: values.user, ...body });
      setMade(token.token ?? '');
      saved('The token is made.', ['/tokens', '/me/tokens']);
    },
  });
  const { form } = of;
  if (made !== null) {
    return (
      <Stack>
        <Alert color="brass">Copy it now; it is not shown again.</Alert>
        <Copyable text={made} label="Copy the token" />
        <Text size="xs" c="dimmed">
          Send it as <span className="mono">Authorization: Bearer …</span>
        </Text>
        <Button onClick={close}>I have copied it</Button>
      </Stack>
    );
  }
  return (
    <Form of={of} label="New token">
      <Stack gap="sm">
        {!own && <Pick kind="user" label="Person" required value={form.getValues().user} onChange={(name) => form.setFieldValue('user', name)} error={form.errors.user} />}
        <TextInput label="Note" description="What uses it." placeholder="backup script" {...form.getInputProps('label')} />
        <Select label="Scope" description="Never beyond the role that its person has at the time." data={SCOPES} {...form.getInputProps('scope')} />
        <DurationInput label="For how long" {...form.getInputProps('for')} />
        <TextInput label="From" description="An address or range. Empty: from anywhere." placeholder="10.0.0.0/8" {...form.getInputProps('from')} />
      </Stack>
      <Submit busy={of.busy} label="Make it" cancel={close} />
    </Form>
  );
}
