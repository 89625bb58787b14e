import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api } from '@/api/client';
import { Problem, sentenceOf } from '@/api/problem';
import { setSession } from '@/api/session';
import type { Ceremony, SessionInfo } from '@/api/shapes';
import { askPasskey, passkeyTrouble } from './webauthn';

/** Tries a step of signing in, keeps what it answered, and counts down a lockout. */
export function useAttempt(then: (info: SessionInfo) => void) {
  const queries = useQueryClient();
  const [busy, setBusy] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [wait, setWait] = useState(0);
  useEffect(() => {
    if (wait <= 0) return undefined;
    const timer = setTimeout(() => setWait(wait - 1), 1_000);
    return () => clearTimeout(timer);
  }, [wait]);
  const attempt = async (name: string, step: () => Promise<SessionInfo>): Promise<boolean> => {
    setBusy(name);
    setTrouble(null);
    try {
      then(setSession(queries, await step()));
      return true;
    } catch (error) {
      if (error instanceof Problem) {
        setTrouble(sentenceOf(error));
        if (error.retryAfter !== null) setWait(error.retryAfter);
      } else setTrouble(passkeyTrouble(error));
      return false;
    } finally {
      setBusy(null);
    }
  };
  const passkey = (user: string | null) =>
    attempt('passkey', async () => {
      const { ceremony, options } = await api.post<Ceremony>('/session/passkey/start', { user });
      return api.post<SessionInfo>('/session/passkey/finish', { ceremony, credential: await askPasskey(options) });
    });
  return { attempt, passkey, busy, trouble, wait };
}

export type Attempt = ReturnType<typeof useAttempt>;
