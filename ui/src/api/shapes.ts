/** Shapes of the API, as `docs/reference/api.md` has them. Instants are RFC 3339 in UTC, durations are text. */

export type Instant = string;
export type Role = 'user' | 'auditor' | 'operator' | 'admin';
export type Protocol = 'ssh' | 'rdp';

/** One part of a list. */
export interface Page<T> {
  items: T[];
  next: string | null;
  total?: number;
  total_is_more?: boolean;
}

// Signing in, and oneself

export interface SessionInfo {
  state: 'none' | 'address' | 'factor' | 'signed_in';
  user: { name: string; full_name: string | null; role: Role } | null;
  source: string;
  csrf: string | null;
  factors: ('totp' | 'recovery' | 'passkey')[];
  fresh_until: Instant | null;
  idle_ends_at: Instant | null;
  ends_at: Instant | null;
  setup_needed: boolean;
  address_user: string | null;
  version: string;
}

export interface MyGrant {
  server: string;
  address: string;
  protocol: Protocol;
  proxy: string | null;
  allowed_until: Instant | null;
  policies: number[];
  rights: string[];
  command: string | null;
}

export interface Factors {
  password: boolean;
  totp: boolean;
  recovery_codes_left: number;
  passkeys: Passkey[];
}

export interface Passkey {
  id: number;
  label: string;
  created_at: Instant;
  used_at: Instant | null;
}

export interface SignIn {
  id: number;
  source: string;
  agent: string | null;
  method: string;
  created_at: Instant;
  seen_at: Instant;
  current: boolean;
}

export type TokenScope = 'own' | 'read' | 'operate' | 'admin';

export interface Token {
  id: number;
  user: string;
  label: string | null;
  scope: TokenScope;
  from: string | null;
  created_at: Instant;
  expires_at: Instant | null;
  used_at: Instant | null;
  /** Only in the answer that made it. */
  token?: string;
}

export interface SavedView {
  list: string;
  name: string;
  query: string;
}

// Directory

export interface Lock {
  until: Instant | null;
  reason: string | null;
}

export interface User {
  id: number;
  name: string;
  full_name: string | null;
  email: string | null;
  role: Role;
  active: boolean;
  lock: Lock | null;
  addresses: UserAddress[];
  keys: UserKey[];
  groups: string[];
  created_at: Instant;
}

export interface UserAddress {
  id: number;
  range: string;
  label: string | null;
  active: boolean;
  inside: { user: string; range: string }[];
  created_at: Instant;
}

export interface UserKey {
  algorithm: string;
  fingerprint: string;
  comment: string | null;
  openssh: string;
  created_at: Instant;
}

export interface Group {
  id: number;
  name: string;
  parent: string | null;
  path: string[];
  description: string | null;
  members?: string[];
  members_count?: number;
  children?: string[];
  created_at: Instant;
}

export interface Service {
  protocol: Protocol;
  port: number;
}

export interface Server {
  id: number;
  name: string;
  address: string;
  services: Service[];
  os: 'linux' | 'windows' | 'other' | null;
  description: string | null;
  legacy_algorithms: 'on' | 'off';
  active: boolean;
  lock: Lock | null;
  proxies: { address: string; until: Instant | null }[];
  groups: string[];
  created_at: Instant;
}

export interface HostKey {
  algorithm: string;
  fingerprint: string;
  openssh: string;
  state: 'accepted' | 'pending';
  first_seen: Instant;
  last_seen: Instant;
  accepted_by: string | null;
}

export interface Credential {
  id: number;
  login: string | null;
  kind: 'password' | 'key';
  address_is_enough: boolean;
  created_at: Instant;
  created_by: string;
}

export interface Pool {
  ranges: { range: string; interface: string | null; created_at: Instant }[];
  allocations: { address: string; server: string; until: Instant | null; since: Instant }[];
  quarantine: { address: string; server: string; until: Instant }[];
  free: number;
}

export interface Block {
  range: string;
  until: Instant | null;
  reason: string | null;
  reach: 'everything' | 'new_connections';
  repetition: number | null;
  created_at: Instant;
  created_by: string;
}

export interface Reach {
  server: string;
  protocol: Protocol;
  policies: number[];
  allowed_until: Instant | null;
  proxy: string | null;
}

export interface WhoCan {
  user: string;
  protocol: Protocol;
  policies: number[];
  sources: string[];
  allowed_until: Instant | null;
}

// Grants

export type PolicyState = 'active' | 'scheduled' | 'expired' | 'revoked';

export interface Policy {
  id: number;
  user: string | null;
  group: string | null;
  server: string | null;
  server_group: string | null;
  protocol: Protocol | null;
  from: string | null;
  logins: string[];
  start: Instant;
  end: Instant | null;
  schedules: string[];
  use_schedules: boolean;
  forwarding: { local: boolean; remote: boolean; unix?: boolean; destinations: string[]; blocked_ports: (number | string)[] };
  rights: string[];
  record_mode: string | null;
  record_binary: string | null;
  record_input: string | null;
  record_forwards: string | boolean | null;
  idle: string | null;
  max_length: string | null;
  state: PolicyState;
  reason: string | null;
  revoked_at: Instant | null;
  created_at: Instant;
  created_by: string;
}

export interface PolicyPreview {
  sentence: string;
  users: number;
  servers: number;
  connections: number;
  windows: [Instant, Instant][];
  ends_at: Instant | null;
  warnings: string[];
  errors: { field: string; detail: string }[];
}

/** The fields of a schedule; what is absent or null means "any". */
export interface Schedule {
  weekdays?: number[] | null;
  time_start?: string | null;
  time_end?: string | null;
  months?: number[] | null;
  days_of_month?: number[] | null;
  timezone?: string | null;
  is_active?: boolean | null;
}

export interface SchedulePreview {
  words: string;
  schedule: Schedule;
  windows: [Instant, Instant][];
}

export interface DurationPreview {
  seconds: number | null;
  text: string;
  ends_at: Instant | null;
}

export interface Check {
  decision: 'allow' | 'deny';
  reason?: string;
  detail?: string;
  user: string | null;
  server: string | null;
  policies?: number[];
  allowed_until?: Instant | null;
  forwarding?: { local: boolean; remote: boolean };
}

export interface Explanation extends Check {
  steps: { step: number; question: string; answer: string; outcome: 'passed' | 'denied' | 'skipped' }[];
  considered: { policy: number; step: number; words: string; allows?: boolean }[];
  elsewhere?: number;
}

// Sessions

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

// Requests

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

// The rest

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
