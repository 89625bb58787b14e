import { Badge } from '@mantine/core';
import type { AccessRequest, Lock, Outcome, Policy, Role, SessionState } from '@/api/shapes';
import { useTicking } from './moment';
import { local } from './time';

/** A grant that ends within this is "expiring" (ms). */
const SOON = 7 * 86_400_000;

export type PolicyMark = 'Active' | 'Expiring' | 'Scheduled' | 'Expired' | 'Revoked';

/** What a grant is at a moment: what the server said may have become old while it is looked at. */
export function policyMark(policy: Pick<Policy, 'state' | 'start' | 'end'>, now: number): PolicyMark {
  if (policy.state === 'revoked') return 'Revoked';
  const end = policy.end === null ? Infinity : Date.parse(policy.end);
  if (end <= now) return 'Expired';
  if (Date.parse(policy.start) > now) return 'Scheduled';
  return end - now <= SOON ? 'Expiring' : 'Active';
}

const MARKS: Record<PolicyMark, string> = { Active: 'verdigris', Expiring: 'brass', Scheduled: 'blue', Expired: 'gray', Revoked: 'brick' };

export function PolicyBadge({ policy }: { policy: Pick<Policy, 'state' | 'start' | 'end'> }) {
  const mark = useTicking((now) => policyMark(policy, now));
  return <Badge color={MARKS[mark]}>{mark}</Badge>;
}

const ROLES: Record<Role, string> = { admin: 'brass', operator: 'verdigris', auditor: 'blue', user: 'gray' };

export function RoleBadge({ role }: { role: Role }) {
  return <Badge color={ROLES[role]}>{role}</Badge>;
}

const OUTCOMES: Record<Outcome, string> = { ok: 'verdigris', denied: 'brick', failed: 'brass' };

export function OutcomeBadge({ outcome }: { outcome: Outcome }) {
  return <Badge color={OUTCOMES[outcome] ?? 'gray'}>{outcome}</Badge>;
}

const SESSIONS: Record<SessionState, string> = { active: 'verdigris', opening: 'blue', closed: 'gray' };

export function SessionBadge({ state }: { state: SessionState }) {
  return <Badge color={SESSIONS[state]}>{state}</Badge>;
}

const REQUESTS: Record<AccessRequest['state'], string> = { pending: 'brass', approved: 'verdigris', denied: 'brick', withdrawn: 'gray', expired: 'gray' };

const KINDS: Record<AccessRequest['kind'], string> = { access: 'Access', address: 'Address', break_glass: 'Break-glass' };

export const REQUEST_KINDS = Object.entries(KINDS).map(([value, label]) => ({ value, label }));

export function requestKind(kind: AccessRequest['kind']): string {
  return KINDS[kind] ?? kind;
}

export function RequestBadge({ state }: { state: AccessRequest['state'] }) {
  return <Badge color={REQUESTS[state] ?? 'gray'}>{state}</Badge>;
}

export function ProtocolBadge({ protocol }: { protocol: string | null }) {
  return (
    <Badge color="gray" variant="default">
      {protocol?.toUpperCase() ?? 'all'}
    </Badge>
  );
}

/** In use, switched off, or locked: of people and servers. */
export function ActiveBadge({ active, lock }: { active: boolean; lock: Lock | null }) {
  if (lock !== null) {
    const words = [lock.until === null ? 'until it is lifted' : `until ${local(lock.until)}`, lock.reason].filter(Boolean).join(': ');
    return (
      <Badge color="brick" tabIndex={0} data-tip={words}>
        Locked
      </Badge>
    );
  }
  return <Badge color={active ? 'verdigris' : 'gray'}>{active ? 'In use' : 'Switched off'}</Badge>;
}
