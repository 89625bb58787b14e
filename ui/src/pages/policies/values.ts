import type { Policy } from '@/api/shapes';
import type { Search } from '@/app/search';
import { fromInput, toInput } from '@/components/time';

/** What is entered in the wizard. */
export type GrantValues = {
  subjectKind: 'user' | 'group';
  subject: string | null;
  targetKind: 'server' | 'server_group';
  target: string | null;
  protocol: '' | 'ssh' | 'rdp';
  from: string;
  logins: string[];
  rights: string[];
  destinations: string[];
  blocked_ports: string[];
  record_mode: string | null;
  record_binary: string | null;
  record_input: string | null;
  record_forwards: string | null;
  idle: string;
  max_length: string;
  whenKind: 'permanent' | 'for' | 'between';
  for: string;
  start: string;
  end: string;
  schedules: string[];
  use_schedules: boolean;
  reason: string;
};

export const NEW_GRANT: GrantValues = {
  subjectKind: 'user',
  subject: null,
  targetKind: 'server',
  target: null,
  protocol: '',
  from: '',
  logins: [],
  rights: [],
  destinations: [],
  blocked_ports: [],
  record_mode: null,
  record_binary: null,
  record_input: null,
  record_forwards: null,
  idle: '',
  max_length: '',
  whenKind: 'for',
  for: '',
  start: '',
  end: '',
  schedules: [],
  use_schedules: true,
  reason: '',
};

/** What links to the wizard may fill in. */
export function valuesFromSearch(search: Search): GrantValues {
  const subject = search.user ?? search.group ?? null;
  const target = search.server ?? search.server_group ?? null;
  return {
    ...NEW_GRANT,
    subject,
    subjectKind: search.group !== undefined && search.user === undefined ? 'group' : 'user',
    target,
    targetKind: search.server_group !== undefined && search.server === undefined ? 'server_group' : 'server',
    protocol: search.protocol === 'ssh' || search.protocol === 'rdp' ? search.protocol : '',
    logins: search.login === undefined ? [] : [search.login],
    reason: search.reason ?? '',
  };
}

const onOff = (value: string | boolean | null): string | null => (typeof value === 'boolean' ? (value ? 'on' : 'off') : value);

/** The rights that `forwarding` names, by its fields. */
const FORWARDING = { local: 'forward_local', remote: 'forward_remote', unix: 'forward_unix' } as const;

/** A grant as the wizard shows it. A copy begins now; what has ended is given a new end. */
export function valuesFromPolicy(policy: Policy, copy: boolean): GrantValues {
  const over = policy.end !== null && copy && policy.state !== 'active' && policy.state !== 'scheduled';
  const forwarding = Object.entries(FORWARDING).flatMap(([field, right]) => (policy.forwarding[field as keyof typeof FORWARDING] ? [right] : []));
  return {
    subjectKind: policy.user !== null ? 'user' : 'group',
    subject: policy.user ?? policy.group,
    targetKind: policy.server !== null ? 'server' : 'server_group',
    target: policy.server ?? policy.server_group,
    protocol: policy.protocol ?? '',
    from: policy.from ?? '',
    logins: policy.logins,
    rights: [...new Set([...policy.rights, ...forwarding])],
    destinations: policy.forwarding.destinations,
    blocked_ports: policy.forwarding.blocked_ports.map(String),
    record_mode: policy.record_mode,
    record_binary: policy.record_binary,
    record_input: policy.record_input,
    record_forwards: onOff(policy.record_forwards),
    idle: policy.idle ?? '',
    max_length: policy.max_length ?? '',
    whenKind: policy.end === null ? 'permanent' : over ? 'for' : 'between',
    for: '',
    start: copy ? '' : toInput(policy.start),
    end: over ? '' : toInput(policy.end),
    schedules: policy.schedules,
    use_schedules: policy.use_schedules,
    reason: policy.reason ?? '',
  };
}

/** What the API takes. Everything is named, so that an edit can clear what was there. */
export function grantBody(values: GrantValues): Record<string, unknown> {
  const has = (right: string) => values.rights.includes(right);
  return {
    user: values.subjectKind === 'user' ? values.subject : null,
    group: values.subjectKind === 'group' ? values.subject : null,
    server: values.targetKind === 'server' ? values.target : null,
    server_group: values.targetKind === 'server_group' ? values.target : null,
    protocol: values.protocol || null,
    from: values.from.trim() || null,
    logins: values.logins,
    rights: values.rights,
    forwarding: {
      local: has('forward_local'),
      remote: has('forward_remote'),
      unix: has('forward_unix'),
      destinations: values.destinations,
      blocked_ports: values.blocked_ports,
    },
    record_mode: values.record_mode,
    record_binary: values.record_binary,
    record_input: values.record_input,
    record_forwards: values.record_forwards,
    idle: values.idle.trim() || null,
    max_length: values.max_length.trim() || null,
    ...when(values),
    schedules: values.schedules.filter((words) => words.trim() !== ''),
    use_schedules: values.use_schedules,
    reason: values.reason.trim() || null,
  };
}

function when(values: GrantValues): Record<string, unknown> {
  const start = fromInput(values.start);
  if (values.whenKind === 'for') return { start, for: values.for.trim() || null };
  return { start, end: values.whenKind === 'between' ? fromInput(values.end) : null };
}

/** Only what differs from before: an edit says nothing about what it leaves alone. */
export function changes(before: Record<string, unknown>, after: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(after).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key]) && !(key === 'start' && value === null)),
  );
}

export const STEPS = ['Who', 'What', 'How', 'When', 'Reason', 'Last look'] as const;
export type Step = 0 | 1 | 2 | 3 | 4 | 5;

const FIELDS_OF: readonly (readonly string[])[] = [
  ['user', 'group', 'subject'],
  ['server', 'server_group', 'target', 'protocol'],
  ['from', 'logins', 'rights', 'forwarding', 'destinations', 'blocked_ports', 'record_mode', 'record_binary', 'record_input', 'record_forwards', 'idle', 'max_length'],
  ['for', 'start', 'end', 'schedules', 'use_schedules'],
  ['reason'],
];

/** The step at which a field of the API is entered; null for what is none. */
export function stepOf(field: string): Step | null {
  const top = field.split(/[.[]/, 1)[0] ?? '';
  const at = FIELDS_OF.findIndex((fields) => fields.includes(top));
  return at < 0 ? null : (at as Step);
}

/** The wizard's name for a field of the API. */
export function formField(field: string): string {
  const [top = '', below] = field.split(/[.[]/);
  if (top === 'user' || top === 'group') return 'subject';
  if (top === 'server' || top === 'server_group') return 'target';
  if (top === 'forwarding') return below === 'destinations' || below === 'blocked_ports' ? below : 'rights';
  return top;
}

/** What can be said without the server about a step. */
export function missing(values: GrantValues, step: Step): Record<string, string> {
  if (step === 0 && values.subject === null) return { subject: 'Say who gets access.' };
  if (step === 1 && values.target === null) return { target: 'Say to what.' };
  if (step !== 3) return {};
  if (values.whenKind === 'for' && values.for.trim() === '') return { for: 'Say for how long, such as 2h or 30d, or choose "no end".' };
  if (values.whenKind === 'between' && values.end === '') return { end: 'Say until when, or choose "no end".' };
  return {};
}
