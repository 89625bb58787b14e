import { Button, Divider, PasswordInput, Stack } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { IconFingerprint } from '@tabler/icons-react';
import { useState } from 'react';
import { api } from '@/api/client';
import { setSession } from '@/api/session';
import type { Ceremony, SessionInfo } from '@/api/shapes';
import { useGo } from '@/components/link';
import { Age } from '@/components/moment';
import { failed } from '@/components/toast';
import { Failure, PageLoading } from '@/shell/states';
import { useAttempt } from './attempt';
import { SignInFrame } from './frame';
import { Trouble } from './trouble';
import { makePasskey, passkeysWork, passkeyTrouble } from './webauthn';

/** A one-time link sets a password or a passkey. The link is in the fragment, which no server and no log sees. */
export default function SetupPage() {
  const [link] = useState(() => {
    const given = location.hash.slice(1);
    // It works once, but need not stand in the history until then.
    if (given !== '') history.replaceState(null, '', '/setup');
    return given;
  });
  const look = useQuery({
    queryKey: ['/session/setup/look', link],
    queryFn: () => api.post<{ user: string; expires_at: string }>('/session/setup/look', { link }),
    enabled: link !== '',
    retry: false,
    staleTime: Infinity,
  });
  if (link === '') return <Broken error={new Error('The address has no link in it. Copy it whole, with all that follows the #.')} />;
  if (look.isError) return <Broken error={look.error} />;
  if (look.data === undefined) return <PageLoading />;
  return (
    <SignInFrame
      title={`Welcome, ${look.data.user}`}
      about={
        <>
          Choose how you sign in. This link works once and ends <Age at={look.data.expires_at} />.
        </>
      }
    >
      <Choose link={link} />
    </SignInFrame>
  );
}

function Broken({ error }: { error: Error }) {
  return (
    <SignInFrame title="This link does not work">
      <Failure error={error} />
    </SignInFrame>
  );
}

function Choose({ link }: { link: string }) {
  const go = useGo();
  const queries = useQueryClient();
  const attempt = useAttempt((info) => {
    if (info.state === 'factor') go('/sign-in');
    else if (info.state === 'signed_in' && location.pathname === '/setup') go('/');
  });
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const differs = again !== '' && again !== password;
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    void attempt.attempt('password', () => api.post<SessionInfo>('/session/setup', { link, password }));
  };
  // The link alone signs in, once; the passkey is then added as any other is.
  const passkey = () =>
    attempt.attempt('passkey', async () => {
      const info = setSession(queries, await api.post<SessionInfo>('/session/setup', { link }));
      try {
        const { ceremony, options } = await api.post<Ceremony>('/me/passkeys/start');
        await api.post('/me/passkeys', { ceremony, credential: await makePasskey(options), label: 'first' });
      } catch (error) {
        failed(new Error(passkeyTrouble(error) ?? 'No passkey was made. Set a password or add a passkey here, or nobody can sign in again.'));
        go('/profile', { tab: 'factors' });
      }
      return info;
    });
  return (
    <Stack gap="md">
      <Trouble attempt={attempt} />
      <form onSubmit={submit}>
        <Stack gap="sm">
          <PasswordInput label="New password" description="12 characters or more; a few words are good." value={password} onChange={(event) => setPassword(event.currentTarget.value)} autoComplete="new-password" required autoFocus />
          <PasswordInput label="Again" value={again} onChange={(event) => setAgain(event.currentTarget.value)} autoComplete="new-password" required error={differs ? 'This differs from the one above.' : undefined} />
          <Button type="submit" fullWidth mt="xs" loading={attempt.busy === 'password'} disabled={password === '' || again !== password}>
            Set the password and sign in
          </Button>
        </Stack>
      </form>
      {passkeysWork() && (
        <>
          <Divider label="or" />
          <Button variant="default" leftSection={<IconFingerprint size={18} />} loading={attempt.busy === 'passkey'} onClick={() => void passkey()}>
            Use a passkey instead
          </Button>
        </>
      )}
    </Stack>
  );
}
