import type { Instant, Protocol } from './basics';

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
