import {
  IconAddressBook, IconAlertCircle, IconArrowsSplit2, IconBook2, IconClipboardCheck, IconDoorEnter, IconGauge, IconHelpHexagon,
  IconKey, IconListSearch, IconMap2, IconPlayerPlay, IconRuler, IconServer2, IconServerCog, IconSettings, IconShieldOff, IconTicket,
  IconUser, IconUsers, IconUsersGroup, type Icon,
} from '@tabler/icons-react';
import type { Role } from '@/api/shapes';
import { allows } from '@/api/session';

export interface Entry {
  label: string;
  to: string;
  icon: Icon;
  /** The least role that sees it. */
  role: Role;
  /** Words by which the palette finds it too. */
  also?: string;
}

export interface Section {
  title: string | null;
  entries: Entry[];
}

const SECTIONS: Section[] = [
  {
    title: null,
    entries: [
      { label: 'Dashboard', to: '/', icon: IconGauge, role: 'auditor', also: 'overview start nodes gates' },
      { label: 'Sessions', to: '/sessions', icon: IconPlayerPlay, role: 'auditor', also: 'recordings watch replay live' },
      { label: 'Search', to: '/search', icon: IconListSearch, role: 'auditor', also: 'transcripts commands files' },
      { label: 'Requests', to: '/requests', icon: IconClipboardCheck, role: 'user', also: 'approve ask break-glass' },
    ],
  },
  {
    title: 'Access',
    entries: [
      { label: 'Grants', to: '/policies', icon: IconTicket, role: 'auditor', also: 'policies renew revoke' },
      { label: 'Explain', to: '/explain', icon: IconHelpHexagon, role: 'auditor', also: 'check decision who can reach' },
      { label: 'Approval rules', to: '/approval-rules', icon: IconRuler, role: 'auditor', also: 'automatic' },
    ],
  },
  {
    title: 'Directory',
    entries: [
      { label: 'People', to: '/people', icon: IconUsers, role: 'auditor', also: 'users' },
      { label: 'Groups of people', to: '/user-groups', icon: IconUsersGroup, role: 'auditor' },
      { label: 'Servers', to: '/servers', icon: IconServer2, role: 'auditor', also: 'machines' },
      { label: 'Groups of servers', to: '/server-groups', icon: IconServerCog, role: 'auditor' },
      { label: 'Address pool', to: '/pool', icon: IconMap2, role: 'auditor', also: 'proxy allocation' },
    ],
  },
  {
    title: 'Watch',
    entries: [
      { label: 'Audit', to: '/audit', icon: IconBook2, role: 'auditor', also: 'book events' },
      { label: 'Alerts', to: '/alerts', icon: IconAlertCircle, role: 'auditor' },
      { label: 'Forwards', to: '/forwards', icon: IconArrowsSplit2, role: 'auditor', also: 'ports tunnels' },
      { label: 'Blocks', to: '/blocks', icon: IconShieldOff, role: 'auditor', also: 'sources blocked' },
    ],
  },
  {
    title: 'Site',
    entries: [
      { label: 'Tokens', to: '/tokens', icon: IconKey, role: 'admin', also: 'api' },
      { label: 'Settings and nodes', to: '/settings', icon: IconSettings, role: 'auditor', also: 'configuration keys' },
    ],
  },
  {
    title: 'Mine',
    entries: [
      { label: 'My access', to: '/my/access', icon: IconDoorEnter, role: 'user', also: 'grants connect ssh' },
      { label: 'My sessions', to: '/my/sessions', icon: IconAddressBook, role: 'user' },
      { label: 'Profile', to: '/profile', icon: IconUser, role: 'user', also: 'password passkey totp tokens sign-ins' },
    ],
  },
];

/** What a role sees. A plain user's own pages come first. */
export function sectionsFor(role: Role): Section[] {
  const seen = SECTIONS.map((section) => ({ ...section, entries: section.entries.filter((entry) => allows(role, entry.role)) })).filter(
    (section) => section.entries.length > 0,
  );
  if (role !== 'user') return seen;
  const entries = seen.flatMap((section) => section.entries);
  const first = (entry: Entry) => (entry.to === '/my/access' ? 0 : 1);
  return [{ title: null, entries: entries.toSorted((a, b) => first(a) - first(b)) }];
}
