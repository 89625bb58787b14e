import { Button, Divider, PasswordInput, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconFingerprint } from '@tabler/icons-react';
import { useState } from 'react';
import { api } from '@/api/client';
import { sessionQuery } from '@/api/session';
import type { SessionInfo } from '@/api/shapes';
import { useAttempt } from './attempt';
import { Trouble } from './trouble';
import { passkeysWork } from './webauthn';

/** What the dialog before dangerous actions holds. */
export default function Confirm({ done }: { done: () => void }) {
  const session = useQuery(sessionQuery);
  const attempt = useAttempt(() => done());
  const [by, setBy] = useState('password');
  const [given, setGiven] = useState('');
  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    const body = by === 'password' ? { password: given } : { code: given.trim() };
    if (!(await attempt.attempt('given', () => api.post<SessionInfo>('/session/confirm', body)))) setGiven('');
  };
  const factors = session.data?.factors ?? [];
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        This action asks for a sign-in of the last minutes. It goes on by itself afterwards.
      </Text>
      <Trouble attempt={attempt} />
      {factors.includes('totp') && (
        <SegmentedControl
          data={[
            { value: 'password', label: 'Password' },
            { value: 'code', label: 'Code' },
          ]}
          value={by}
          onChange={(next) => {
            setBy(next);
            setGiven('');
          }}
        />
      )}
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap="sm">
          {by === 'password' ? (
            <PasswordInput label="Password" value={given} onChange={(event) => setGiven(event.currentTarget.value)} autoComplete="current-password" data-autofocus required />
          ) : (
            <TextInput label="Code of your authenticator app" value={given} onChange={(event) => setGiven(event.currentTarget.value)} inputMode="numeric" autoComplete="one-time-code" data-autofocus required />
          )}
          <Button type="submit" loading={attempt.busy === 'given'} disabled={attempt.wait > 0 || given === ''}>
            Confirm
          </Button>
        </Stack>
      </form>
      {factors.includes('passkey') && passkeysWork() && (
        <>
          <Divider label="or" />
          <Button variant="default" leftSection={<IconFingerprint size={18} />} loading={attempt.busy === 'passkey'} onClick={() => void attempt.passkey(session.data?.user?.name ?? null)}>
            Use a passkey
          </Button>
        </>
      )}
    </Stack>
  );
}
