import { Badge, Button, Group, Modal, PasswordInput, SimpleGrid, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { api, at } from '@/api/client';
import { useItems, useRead } from '@/api/queries';
import type { Factors, SignIn } from '@/api/shapes';
import { ActionButton, useAct } from '@/components/action';
import { Copyable } from '@/components/copy';
import { Form, Submit, useApiForm } from '@/components/form';
import { Age, Moment } from '@/components/moment';
import { Card } from '@/components/page';
import { ShortTable } from '@/components/rows';
import { useSaved } from '@/components/saved';
import { Failure, PageLoading } from '@/shell/states';

/** How a person signs in to the page, for an administrator. */
export function UserFactors({ user }: { user: string }) {
  const path = at`/users/${user}`;
  const factors = useRead<Factors>(`${path}/factors`);
  const signIns = useItems<SignIn>(`${path}/sign-ins`);
  if (factors.data === undefined) return factors.isError ? <Failure error={factors.error} retry={() => void factors.refetch()} /> : <PageLoading />;
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Card title="Factors">
        <FactorRows path={path} user={user} factors={factors.data} />
        <Group mt="md">
          <SetupLink path={path} user={user} />
          <SetPassword path={path} user={user} />
        </Group>
      </Card>
      <Card
        title="Sign-ins"
        actions={
          signIns.items.length > 0 && (
            <ActionButton
              label="End all"
              size="xs"
              run={() => api.del(`${path}/sign-ins`)}
              said={`${user} is signed out everywhere.`}
              touches={[path]}
              confirm={{ title: `Sign ${user} out everywhere?`, body: 'The page asks for a sign-in again. Running sessions on servers go on.', action: 'Sign out' }}
            />
          )
        }
      >
        <ShortTable
          label="Sign-ins"
          busy={signIns.isPending}
          error={signIns.error}
          rows={signIns.items}
          id={(signIn) => signIn.id}
          empty={{ title: 'Not signed in' }}
          cells={[
            { title: 'From', render: (signIn) => <span className="mono">{signIn.source}</span> },
            { title: 'Browser', render: (signIn) => signIn.agent ?? '–' },
            { title: 'Since', render: (signIn) => <Age at={signIn.created_at} /> },
            { title: 'Last seen', render: (signIn) => <Age at={signIn.seen_at} /> },
          ]}
        />
      </Card>
    </SimpleGrid>
  );
}

function FactorRows({ path, user, factors }: { path: string; user: string; factors: Factors }) {
  const rows = [
    { kind: 'password', label: 'Password', has: factors.password, words: 'set' },
    { kind: 'totp', label: 'Authenticator app', has: factors.totp, words: 'set up' },
    { kind: 'recovery', label: 'Recovery codes', has: factors.recovery_codes_left > 0, words: `${factors.recovery_codes_left} left` },
    { kind: 'passkeys', label: 'Passkeys', has: factors.passkeys.length > 0, words: `${factors.passkeys.length}` },
  ];
  return (
    <Stack gap="xs">
      {rows.map((row) => (
        <Group key={row.kind} justify="space-between" mih={34}>
          <Text size="sm">{row.label}</Text>
          <Group gap="xs">
            <Badge color={row.has ? 'verdigris' : 'gray'}>{row.has ? row.words : 'none'}</Badge>
            {row.has && (
              <ActionButton
                label="Take away"
                size="xs"
                variant="subtle"
                color="brick"
                aria-label={`Take away: ${row.label}`}
                run={() => api.del(`${path}/factors/${row.kind}`)}
                said={`${row.label}: taken from ${user}.`}
                touches={[path]}
                confirm={{ title: `${row.label}: take it from ${user}?`, body: 'It cannot be brought back; a setup link lets the person begin anew.', action: 'Take away', danger: true }}
              />
            )}
          </Group>
        </Group>
      ))}
    </Stack>
  );
}

function SetupLink({ path, user }: { path: string; user: string }) {
  const [act, busy] = useAct();
  const [made, setMade] = useState<{ link: string; expires_at: string } | null>(null);
  return (
    <>
      <Button
        variant="default"
        loading={busy}
        onClick={() => void act({ run: async () => setMade(await api.create<{ link: string; expires_at: string }>(`${path}/setup-link`, {})), said: 'The link is made.', touches: [] })}
      >
        Make a setup link
      </Button>
      <Modal opened={made !== null} onClose={() => setMade(null)} title={`Setup link for ${user}`} size="lg">
        {made !== null && (
          <Stack gap="sm">
            <Text size="sm">
              Give it to {user} on a safe way. It works once, sets a password or a passkey, ends <Moment at={made.expires_at} />, and is not shown again.
            </Text>
            <Copyable text={made.link} />
          </Stack>
        )}
      </Modal>
    </>
  );
}

function SetPassword({ path, user }: { path: string; user: string }) {
  const [open, setOpen] = useState(false);
  const saved = useSaved();
  const of = useApiForm({
    initial: { password: '' },
    submit: async (values) => {
      await api.post(`${path}/password`, values);
      saved(`The password of ${user} is set.`, [path]);
      setOpen(false);
    },
  });
  return (
    <>
      <Button variant="default" onClick={() => setOpen(true)}>
        Set a password
      </Button>
      <Modal opened={open} onClose={() => setOpen(false)} title={`Set the password of ${user}`}>
        <Form of={of} label="Set a password">
          <PasswordInput label="New password" description="A setup link is better: nobody but the person knows the password then." autoComplete="new-password" data-autofocus required {...of.form.getInputProps('password')} />
          <Submit busy={of.busy} label="Set" cancel={() => setOpen(false)} />
        </Form>
      </Modal>
    </>
  );
}
