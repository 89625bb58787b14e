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
