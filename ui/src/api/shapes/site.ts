import type { Instant } from './basics';
import type { SessionState } from './sessions';

export type Outcome = 'ok' | 'denied' | 'failed';

export interface AuditEvent {
  seq: number;
  time: Instant;
  action: string;
  actor: string;
  source: string | null;
  user: string | null;
  server: string | null;
  session: string | null;
  outcome: Outcome;
  reason: string | null;
  detail: Record<string, unknown>;
  hash: string;
}

export interface Alert {
  id: number;
  kind: string;
  time: Instant;
  sentence: string;
  event: AuditEvent;
  deliveries: { hook: string; state: 'waiting' | 'delivered' | 'given_up'; attempts: number; time: Instant; error: string | null }[];
}

export interface Node {
  id: string;
  name: string;
  state?: 'serving' | 'silent' | 'stopped';
  started_at: Instant;
  heartbeat_at: Instant;
  stopped_at: Instant | null;
  address: string | null;
  gates?: { gate: string; address: string }[];
  /** Whether it is the node that answers. */
  this?: boolean;
}

/** What the palette finds, 8 of each. */
export interface Found {
  users: { name: string; email: string | null }[];
  servers: { name: string; address: string }[];
  sessions: { id: string; user: string; server: string; state: SessionState; started_at: Instant }[];
}

/** The beginning of a passkey's ceremony. */
export interface Ceremony {
  /** Goes back with the browser's answer. */
  ceremony: string;
  /** WebAuthn's JSON for `navigator.credentials`. */
  options: { publicKey: Record<string, unknown> };
}
