import type { Instant, Protocol, Role } from './basics';

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
