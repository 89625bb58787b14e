/** Roles with what they may. */
export const ROLES = [
  { value: 'user', label: 'user: own access, requests, sessions' },
  { value: 'auditor', label: 'auditor: sees, watches and replays everything' },
  { value: 'operator', label: 'operator: also ends sessions, locks, decides requests' },
  { value: 'admin', label: 'admin: everything' },
];
