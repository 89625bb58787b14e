/** The nouns of the book's actions; filtering by one finds all of its verbs. */
const NOUNS = [
  'session', 'recording', 'forward', 'policy', 'request', 'breakglass', 'approval_rule', 'approver', 'user', 'address', 'key', 'group', 'server', 'server_group',
  'hostkey', 'credential', 'pool', 'right', 'lock', 'block', 'signin', 'factor', 'setup_link', 'token', 'recording_key', 'config', 'audit', 'alert', 'limit', 'node', 'store',
] as const;

/** Actions that are looked for often. */
const OFTEN = [
  'session.opened', 'session.closed', 'session.denied', 'session.failed', 'session.killed', 'session.watched', 'recording.viewed', 'recording.exported',
  'policy.granted', 'policy.revoked', 'request.approved', 'breakglass.opened', 'signin.failed', 'hostkey.changed', 'lock.added', 'block.added', 'limit.reached',
] as const;

export const ACTION_CHOICES = [
  ...OFTEN.map((action) => ({ value: action as string, label: action as string })),
  ...NOUNS.map((noun) => ({ value: noun as string, label: `${noun}.…` })),
];
