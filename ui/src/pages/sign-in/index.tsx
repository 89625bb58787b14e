import { Anchor, Button, Divider, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useLocation, useRouter } from '@tanstack/react-router';
import { IconArrowRight, IconFingerprint } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { api } from '@/api/client';
import { sessionQuery } from '@/api/session';
import type { SessionInfo } from '@/api/shapes';
import { localPath, type Search } from '@/app/search';
import { Failure, PageLoading } from '@/shell/states';
import { useAttempt, type Attempt } from './attempt';
import { SignInFrame } from './frame';
import { SecondFactor } from './second-factor';
import { Trouble } from './trouble';
import { passkeysWork } from './webauthn';

export default function SignInPage() {
  const session = useQuery(sessionQuery);
  const router = useRouter();
  const queries = useQueryClient();
  const search = useLocation({ select: (location) => location.search as Search });
  // As it was when the page was opened: the address changes while one goes on.
  const [to] = useState(() => localPath(search.to));
  const enter = () => router.history.push(to);
  const attempt = useAttempt((info) => {
    // What was read as nobody, or by address, is not what this person sees.
    if (info.state === 'signed_in') queries.removeQueries({ predicate: (query) => query.queryKey[0] !== '/session' });
  });
  const there = session.data?.state === 'signed_in';
  useEffect(() => {
    if (there) enter();
    // Whenever there is somebody: they were signed in already, or are now.
  }, [there]);
  if (session.isError) return <Failure error={session.error} retry={() => void session.refetch()} />;
  if (session.data === undefined || there) return <PageLoading />;
  const leave = async () => {
    await api.del('/session').catch(() => undefined);
    await queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
  };
  if (session.data.state === 'factor') {
    return (
      <SignInFrame title="One more step" about={`The password of ${session.data.user?.name ?? 'this account'} was right.`}>
        <SecondFactor attempt={attempt} factors={session.data.factors} user={session.data.user?.name ?? null} leave={() => void leave()} />
      </SignInFrame>
    );
  }
  return (
    <SignInFrame title="Sign in">
      <FirstStep attempt={attempt} session={session.data} enter={enter} />
    </SignInFrame>
  );
}

function FirstStep({ attempt, session, enter }: { attempt: Attempt; session: SessionInfo; enter: () => void }) {
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    const done = await attempt.attempt('password', () => api.post<SessionInfo>('/session/password', { user: user.trim(), password }));
    if (!done) setPassword('');
  };
  return (
    <Stack gap="md">
      {session.setup_needed && <SetupNeeded />}
      <Trouble attempt={attempt} />
      {session.address_user !== null && (
        <>
          <Button variant="light" rightSection={<IconArrowRight size={16} />} onClick={enter} h="auto" py="xs">
            <span style={{ textAlign: 'start', whiteSpace: 'normal' }}>
              Continue as {session.address_user} from <span className="mono">{session.source}</span>
            </span>
          </Button>
          <Text size="xs" c="dimmed" mt={-8}>
            Shows your own access and requests. Everything else needs a sign-in.
          </Text>
          <Divider label="or sign in" />
        </>
      )}
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap="sm">
          <TextInput label="Name" value={user} onChange={(event) => setUser(event.currentTarget.value)} autoComplete="username webauthn" autoFocus required autoCapitalize="none" />
          <PasswordInput label="Password" value={password} onChange={(event) => setPassword(event.currentTarget.value)} autoComplete="current-password" required />
          <Button type="submit" fullWidth mt="xs" loading={attempt.busy === 'password'} disabled={attempt.wait > 0 || user.trim() === '' || password === ''}>
            Sign in
          </Button>
        </Stack>
      </form>
      {passkeysWork() && (
        <>
          <Divider label="or" />
          <Button
            variant="default"
            leftSection={<IconFingerprint size={18} />}
            loading={attempt.busy === 'passkey'}
            onClick={() => void attempt.passkey(user.trim() === '' ? null : user.trim())}
          >
            {user.trim() === '' ? 'Use a passkey' : `Use a passkey of ${user.trim()}`}
          </Button>
        </>
      )}
      <Text size="xs" c="dimmed" ta="center">
        You come from <span className="mono">{session.source}</span>. From a terminal: <Anchor href="/whoami" className="mono" size="xs">curl /whoami</Anchor>
      </Text>
    </Stack>
  );
}

function SetupNeeded() {
  return (
    <Text size="sm" component="div" p="sm" style={{ borderInlineStart: '3px solid var(--gate-brass)', background: 'var(--gate-hover)' }}>
      No administrator can sign in yet. The log of <span className="mono">gatehouse serve</span> has a one-time link; <span className="mono">gatehouse user setup-link NAME</span>{' '}
      makes another one.
    </Text>
  );
}
