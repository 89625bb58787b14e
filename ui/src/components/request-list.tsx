import { at, type Query } from '@/api/client';
import type { AccessRequest } from '@/api/shapes';
import { ProtocolBadge, REQUEST_KINDS, RequestBadge, requestKind } from './badges';
import { PageLink, ServerLink } from './link';
import { List, type Column, type Filter, type ListProps } from './list/list';
import { Age } from './moment';

const columns: Column<AccessRequest>[] = [
  { id: 'id', title: 'No.', width: 70, render: (request) => <PageLink to={at`/requests/${request.id}`}>{`#${request.id}`}</PageLink> },
  { id: 'state', title: 'State', width: 110, render: (request) => <RequestBadge state={request.state} /> },
  { id: 'kind', title: 'For', width: 110, from: 'sm', render: (request) => requestKind(request.kind) },
  { id: 'user', title: 'Person', render: (request) => request.user },
  {
    id: 'what',
    title: 'What',
    render: (request) => (request.server === null ? <span className="mono">{request.address ?? '–'}</span> : <ServerLink name={request.server} />),
  },
  { id: 'protocol', title: 'Protocol', from: 'lg', width: 90, render: (request) => (request.protocol === null ? '–' : <ProtocolBadge protocol={request.protocol} />) },
  { id: 'duration', title: 'For how long', from: 'md', width: 110, render: (request) => request.for ?? '–' },
  { id: 'reason', title: 'Reason', from: 'md', render: (request) => request.reason ?? '–' },
  { id: 'created_at', title: 'Asked', width: 110, render: (request) => <Age at={request.created_at} /> },
];

const filters: Filter[] = [
  {
    name: 'state',
    label: 'State',
    kind: 'choice',
    options: ['pending', 'approved', 'denied', 'withdrawn', 'expired'].map((value) => ({ value, label: value })),
  },
  { name: 'kind', label: 'For', kind: 'choice', options: REQUEST_KINDS },
  { name: 'user', label: 'Person', kind: 'text' },
  { name: 'server', label: 'Server', kind: 'text' },
];

interface RequestListProps {
  fixed?: Query;
  embedded?: boolean;
  empty?: ListProps<AccessRequest>['empty'];
}

export function RequestList({ fixed, embedded = false, empty }: RequestListProps) {
  return (
    <List<AccessRequest>
      name="requests"
      path="/requests"
      columns={columns}
      filters={filters.filter((filter) => fixed === undefined || !(filter.name in fixed))}
      rowId={(request) => String(request.id)}
      open={(request) => at`/requests/${request.id}`}
      fixed={fixed}
      embedded={embedded}
      searchLabel={null}
      empty={empty ?? { title: 'No requests', hint: 'Requests of access appear here.' }}
    />
  );
}
