import { Anchor, Button, Divider, Stack, TextInput } from '@mantine/core';
import { IconFingerprint } from '@tabler/icons-react';
import { useState } from 'react';
import { api } from '@/api/client';
import type { SessionInfo } from '@/api/shapes';
import type { Attempt } from './attempt';
import { Trouble } from './trouble';
import { passkeysWork } from './webauthn';

interface Props {
  attempt: Attempt;
  factors: SessionInfo['factors'];
  user: string | null;
  leave: () => void;
}

/** After the password: a code, a recovery code, or a passkey. */
export function SecondFactor({ attempt, factors, user, leave }: Props) {
  const [recovery, setRecovery] = useState(!factors.includes('totp'));
  const [code, setCode] = useState('');
  const path = recovery ? '/session/recovery' : '/session/totp';
  const codes = factors.includes('totp') || factors.includes('recovery');
  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    if (!(await attempt.attempt('code', () => api.post<SessionInfo>(path, { code: code.trim() })))) setCode('');
  };
  return (
    <Stack gap="md">
      <Trouble attempt={attempt} />
      {codes && (
        <form onSubmit={(event) => void submit(event)}>
          <Stack gap="md">
            <TextInput
              key={path}
              label={recovery ? 'Recovery code' : 'Code of your authenticator app'}
              description={recovery ? 'Each works once.' : 'Six digits, new every 30 seconds.'}
              value={code}
              onChange={(event) => setCode(event.currentTarget.value)}
              inputMode={recovery ? 'text' : 'numeric'}
              autoComplete="one-time-code"
              autoFocus
              required
            />
            <Button type="submit" fullWidth loading={attempt.busy === 'code'} disabled={attempt.wait > 0 || code.trim() === ''}>
              Sign in
            </Button>
          </Stack>
        </form>
      )}
      {factors.includes('passkey') && passkeysWork() && (
        <>
          {codes && <Divider label="or" />}
          <Button
            variant="default"
            leftSection={<IconFingerprint size={18} />}
            loading={attempt.busy === 'passkey'}
            onClick={() => void attempt.passkey(user)}
          >
            Use a passkey
          </Button>
        </>
      )}
      {factors.includes('totp') && (
        <Anchor component="button" type="button" size="sm" onClick={() => setRecovery(!recovery)}>
          {recovery ? 'Use the authenticator app' : 'Use a recovery code'}
        </Anchor>
      )}
      <Anchor component="button" type="button" size="sm" onClick={leave}>
        Sign in as somebody else
      </Anchor>
    </Stack>
  );
}
