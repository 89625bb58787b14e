import { Badge, Button, Group, PasswordInput, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconFingerprint } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, at } from '@/api/client';
import { Problem, sentenceOf } from '@/api/problem';
import { useRead } from '@/api/queries';
import type { Ceremony, Factors, Passkey } from '@/api/shapes';
import { ActionButton } from '@/components/action';
import { confirmed } from '@/components/confirm';
import { Form, Refusal, Submit, useApiForm } from '@/components/form';
import { Age } from '@/components/moment';
import { Card } from '@/components/page';
import { ShortTable } from '@/components/rows';
import { useSaved } from '@/components/saved';
import { makePasskey, passkeysWork, passkeyTrouble } from '@/pages/sign-in/webauthn';
import { Failure, PageLoading } from '@/shell/states';
import { Authenticator } from './authenticator';

const PATH = '/me/factors';

export function OwnFactors() {
  const asked = useRead<Factors>(PATH);
  if (asked.data === undefined) return asked.isError ? <Failure error={asked.error} retry={() => void asked.refetch()} /> : <PageLoading />;
  const factors = asked.data;
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Stack>
        <Password has={factors.password} />
        <Authenticator factors={factors} />
      </Stack>
      <Passkeys passkeys={factors.passkeys} />
    </SimpleGrid>
  );
}

function Password({ has }: { has: boolean }) {
  const saved = useSaved();
  const of = useApiForm({
    initial: { password: '', again: '' },
    validate: {
      password: (text) => (text === '' ? 'A password is needed.' : null),
      again: (again, { password }) => (again === password ? null : 'This differs from the one above.'),
    },
    submit: async ({ password }) => {
      await api.post('/me/password', { password });
      saved('Your password is set.', [PATH]);
      of.form.reset();
    },
  });
  return (
    <Card title="Password" actions={<Badge color={has ? 'verdigris' : 'gray'}>{has ? 'set' : 'none'}</Badge>}>
      <Form of={of} label="Password">
        <Stack gap="sm">
          <PasswordInput label="New password" autoComplete="new-password" required {...of.form.getInputProps('password')} />
          <PasswordInput label="Again" autoComplete="new-password" required {...of.form.getInputProps('again')} />
        </Stack>
        <Submit busy={of.busy} label={has ? 'Change' : 'Set'} disabled={!of.form.isDirty()} />
      </Form>
    </Card>
  );
}

function Passkeys({ passkeys }: { passkeys: Passkey[] }) {
  return (
    <Card title="Passkeys" actions={<AddPasskey />}>
      <Text size="sm" c="dimmed" mb="sm">
        A passkey of your device or a security key signs you in without a password, and cannot be given away by mistake.
      </Text>
      <ShortTable
        label="Passkeys"
        rows={passkeys}
        id={(passkey) => passkey.id}
        empty={{ title: 'None', hint: passkeysWork() ? 'Add one for each device you use.' : 'Passkeys need the page to be opened by its name, with TLS.' }}
        cells={[
          { title: 'Name', render: (passkey) => passkey.label || 'without name' },
          { title: 'Added', render: (passkey) => <Age at={passkey.created_at} /> },
          { title: 'Used', render: (passkey) => <Age at={passkey.used_at} none="never" /> },
          {
            title: 'Actions',
            quiet: true,
            align: 'right',
            render: (passkey) => (
              <Group gap={4} justify="flex-end" wrap="nowrap">
                <ActionButton
                  label="Name"
                  size="xs"
                  variant="subtle"
                  run={(label) => api.patch(at`/me/passkeys/${passkey.id}`, { label })}
                  said="The passkey is named."
                  touches={[PATH]}
                  confirm={{ title: 'Name this passkey', body: 'So that you know which it is.', action: 'Save', ask: { label: 'Name', initial: passkey.label, required: true } }}
                />
                <ActionButton
                  label="Remove"
                  size="xs"
                  variant="subtle"
                  color="brick"
                  run={() => api.del(at`/me/passkeys/${passkey.id}`)}
                  said="The passkey is removed."
                  touches={[PATH]}
                  confirm={{ title: 'Remove this passkey?', body: 'It does not sign you in any more.', action: 'Remove', danger: true }}
                />
              </Group>
            ),
          },
        ]}
      />
    </Card>
  );
}

function AddPasskey() {
  const queries = useQueryClient();
  const saved = useSaved();
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  if (!passkeysWork()) return null;
  const add = async () => {
    const label = await confirmed({ title: 'Add a passkey', body: 'Your browser asks for it next.', action: 'Go on', ask: { label: 'Name', placeholder: 'laptop', required: true } });
    if (label === null) return;
    setBusy(true);
    setTrouble(null);
    try {
      const { ceremony, options } = await api.post<Ceremony>('/me/passkeys/start');
      await api.post('/me/passkeys', { ceremony, credential: await makePasskey(options), label });
      saved('The passkey is added.', [PATH]);
      await queries.invalidateQueries({ queryKey: ['/session'] });
    } catch (error) {
      setTrouble(error instanceof Problem ? sentenceOf(error) : passkeyTrouble(error));
    }
    setBusy(false);
  };
  return (
    <>
      {trouble !== null && <Refusal sentence={trouble} />}
      <Button size="xs" variant="default" leftSection={<IconFingerprint size={15} />} loading={busy} onClick={() => void add()}>
        Add a passkey
      </Button>
    </>
  );
}
