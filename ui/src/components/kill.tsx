import { api, at } from '@/api/client';
import { ActionButton } from './action';

const REASON = { label: 'Reason', placeholder: 'what the person reads, and the audit book', required: true };
const TOUCHES = ['/sessions', '/me/sessions', '/stats'];

/** Ends one session. */
export function KillButton({ id, user, server, size }: { id: string; user: string; server: string; size?: 'xs' | 'sm' }) {
  return (
    <ActionButton
      label="End"
      size={size ?? 'sm'}
      variant="light"
      color="brick"
      aria-label={`End the session of ${user} on ${server}`}
      run={(reason) => api.post(at`/sessions/${id}/kill`, { reason })}
      said={`The session of ${user} on ${server} is ended.`}
      touches={TOUCHES}
      confirm={{
        title: `End the session of ${user} on ${server}?`,
        body: 'Its shells, transfers and forwards are cut at once. The person can come back unless access is taken as well.',
        action: 'End the session',
        danger: true,
        ask: REASON,
      }}
    />
  );
}

/** Ends all sessions of a person or on a server. */
export function KillAll({ of, words }: { of: { user: string } | { server: string }; words: string }) {
  return (
    <ActionButton
      label="End sessions"
      run={(reason) => api.post('/sessions/kill', { ...of, reason })}
      said={`All sessions ${words} are ended.`}
      touches={TOUCHES}
      confirm={{ title: `End all sessions ${words}?`, body: 'Whatever runs in them is cut at once.', action: 'End all', danger: true, ask: REASON }}
    />
  );
}
