import type { Instant, Protocol } from './basics';
import type { AuditEvent, Node } from './site';

export type SessionState = 'opening' | 'active' | 'closed';

export interface Session {
  id: string;
  user: string;
  server: string;
  protocol: Protocol;
  state: SessionState;
  node: string;
  source: string;
  source_port: number;
  proxy: string | null;
  backend: string;
  login: string | null;
  subsystem: string | null;
  agent_used: boolean;
  policies: number[];
  started_at: Instant;
  ended_at: Instant | null;
  duration_seconds: number;
  end_reason: string | null;
  ended_by: string | null;
  end_detail: string | null;
  allowed_until: Instant | null;
  bytes_in: number;
  bytes_out: number;
  typed_at: Instant | null;
  what: string | null;
  line: string | null;
  recording: { path: string; size: number; digest: string | null; files: string[] } | null;
  transfers?: Transfer[];
  forwards?: Forward[];
  request?: number | null;
  events?: AuditEvent[];
}

export interface Transfer {
  direction: 'upload' | 'download';
  operation: string;
  path: string;
  target_path: string | null;
  bytes: number;
  result: string;
  started_at: Instant;
  duration_seconds: number;
}

export interface Forward {
  kind: string;
  listen: string;
  destination: string;
  bytes_in: number;
  bytes_out: number;
  started_at: Instant;
  ended_at: Instant | null;
  capture: string | null;
}

export interface SessionForward extends Forward {
  session: string;
  user: string;
  server: string;
}

/** What `event: active` of `/events` carries of each running session. */
export interface Counters {
  id: string;
  bytes_in: number;
  bytes_out: number;
  what: string | null;
  allowed_until: Instant | null;
}

export interface Stats {
  nodes: Node[];
  counts: {
    users: number;
    servers: number;
    policies: number;
    sessions_today: number;
    denied_today: number;
    active_sessions: number;
    pending_requests: number;
    /** Break-glass that nobody has reviewed yet. */
    unreviewed: number;
  };
  /** Sessions by the hour in which they began: the last 24, this hour last. */
  per_hour: number[];
  top_users: { user: string; sessions: number }[];
  denials: { reason: string; count: number }[];
  /** The part of the last day's connections that became sessions, from 0 to 1. */
  success_rate: number | null;
}
