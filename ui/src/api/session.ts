import { queryOptions, useQuery, useSuspenseQuery } from '@tanstack/react-query';
import type { QueryClient } from '@tanstack/react-query';
import { api, rememberCsrf } from './client';
import type { Role, SessionInfo } from './shapes';

const RANK: Record<Role, number> = { user: 0, auditor: 1, operator: 2, admin: 3 };

export const sessionQuery = queryOptions({
  queryKey: ['/session'],
  queryFn: async () => keep(await api.get<SessionInfo>('/session')),
  staleTime: 60_000,
  retry: 1,
});

/** Every answer about the sign-in brings the token for the next change. */
function keep(info: SessionInfo): SessionInfo {
  rememberCsrf(info.csrf);
  return info;
}

/** Takes over what an operation of `/session` answered. */
export function setSession(queries: QueryClient, info: SessionInfo): SessionInfo {
  queries.setQueryData(sessionQuery.queryKey, keep(info));
  return info;
}

/** Who looks at the page. Only below the shell, which waits for it. */
export function useSession(): SessionInfo {
  return useSuspenseQuery(sessionQuery).data;
}

/** The role that counts here: a person known by address alone is a plain user. */
export function roleOf(info: SessionInfo | undefined): Role {
  return info?.state === 'signed_in' ? (info.user?.role ?? 'user') : 'user';
}

/** Whether the person has this role or a higher one. */
export function useCan(role: Role): boolean {
  const { data } = useQuery(sessionQuery);
  return allows(roleOf(data), role);
}

export function allows(has: Role, wanted: Role): boolean {
  return RANK[has] >= RANK[wanted];
}
