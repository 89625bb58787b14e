import type { Instant, Protocol, Role } from './basics';

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
