import type { Instant, Protocol } from './basics';
import type { Policy } from './grants';
import type { Session } from './sessions';

export type RequestState = 'pending' | 'approved' | 'denied' | 'withdrawn' | 'expired';

export interface AccessRequest {
  id: number;
  kind: 'access' | 'address' | 'break_glass';
  state: RequestState;
  user: string;
  server: string | null;
  protocol: Protocol | null;
  logins: string[];
  address: string | null;
  source: string | null;
  for: string | null;
  reason: string | null;
  created_at: Instant;
  expires_at: Instant | null;
  decided_at: Instant | null;
  decided_by: string | null;
  note: string | null;
  /** The rule that approved it by itself. */
  rule: number | null;
  policy_id: number | null;
  review: { by: string; at: Instant; verdict: 'justified' | 'not_justified'; note: string | null } | null;
}

/** One request, with what belongs to it. */
export interface RequestDetail extends AccessRequest {
  policy: Policy | null;
  sessions: Session[];
  /** Ranges of other people that hold the address, or lie in it. */
  overlaps: { user: string; range: string }[];
  may_decide: boolean;
}

/** What asking is answered with. */
export interface Asked {
  request: AccessRequest;
  /** The same was asked before, and waits still. */
  existing: boolean;
  remarks: string[];
}

export interface ApprovalRule {
  id: number;
  subject: { user: string } | { group: string };
  target: { server: string } | { group: string };
  protocol: Protocol | null;
  logins: string[];
  max_for: string;
  active: boolean;
  created_at: Instant;
  created_by: string;
}
