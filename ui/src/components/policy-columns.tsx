import { at } from '@/api/client';
import type { Policy } from '@/api/shapes';
import { PolicyBadge, ProtocolBadge } from './badges';
import { PageLink } from './link';
import type { Column } from './list/list';
import { Age } from './moment';

/** For whom a grant is. */
export function SubjectLink({ policy }: { policy: Pick<Policy, 'user' | 'group'> }) {
  if (policy.user !== null) return <PageLink to={at`/people/${policy.user}`}>{policy.user}</PageLink>;
  if (policy.group !== null) return <PageLink to={at`/user-groups/${policy.group}`}>{`group ${policy.group}`}</PageLink>;
  return <>–</>;
}

/** For what a grant is. */
export function TargetLink({ policy }: { policy: Pick<Policy, 'server' | 'server_group'> }) {
  if (policy.server !== null) return <PageLink to={at`/servers/${policy.server}`}>{policy.server}</PageLink>;
  if (policy.server_group !== null) return <PageLink to={at`/server-groups/${policy.server_group}`}>{`group ${policy.server_group}`}</PageLink>;
  return <>–</>;
}

export const policyColumns: Column<Policy>[] = [
  { id: 'id', title: 'No.', sort: 'created_at', width: 76, render: (policy) => <PageLink to={at`/policies/${policy.id}`}>{`#${policy.id}`}</PageLink> },
  { id: 'state', title: 'State', width: 126, render: (policy) => <PolicyBadge policy={policy} /> },
  { id: 'who', title: 'Who', render: (policy) => <SubjectLink policy={policy} /> },
  { id: 'what', title: 'What', render: (policy) => <TargetLink policy={policy} /> },
  { id: 'protocol', title: 'Protocol', from: 'md', width: 90, render: (policy) => <ProtocolBadge protocol={policy.protocol} /> },
  { id: 'logins', title: 'Logins', from: 'md', render: (policy) => <span className="mono">{policy.logins.join(', ') || 'all'}</span> },
  {
    id: 'schedules',
    title: 'Schedules',
    from: 'lg',
    render: (policy) => (policy.schedules.length === 0 ? 'always' : `${policy.schedules.join('; ')}${policy.use_schedules ? '' : ' (ignored)'}`),
  },
  { id: 'end', title: 'Ends', sort: 'end', width: 110, render: (policy) => (policy.end === null ? 'permanent' : <Age at={policy.end} />) },
  { id: 'reason', title: 'Reason', from: 'lg', render: (policy) => policy.reason ?? '–' },
];
