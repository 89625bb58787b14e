import { Badge, SegmentedControl } from '@mantine/core';
import type { SessionForward } from '@/api/shapes';
import { ServerLink, SessionLink, UserLink } from '@/components/link';
import { List, type Column } from '@/components/list/list';
import { useListSearch } from '@/components/list/use-list';
import { Age, Lasting } from '@/components/moment';
import { Page } from '@/components/page';
import { bytes } from '@/components/time';

const columns: Column<SessionForward>[] = [
  { id: 'state', title: 'State', width: 84, render: (forward) => (forward.ended_at === null ? <Badge>open</Badge> : <Badge color="gray">closed</Badge>) },
  { id: 'kind', title: 'Kind', width: 92, render: (forward) => <Badge color="gray" variant="outline">{forward.kind}</Badge> },
  { id: 'user', title: 'Person', render: (forward) => <UserLink name={forward.user} /> },
  { id: 'server', title: 'Server', render: (forward) => <ServerLink name={forward.server} /> },
  { id: 'listen', title: 'Listens at', from: 'md', render: (forward) => <span className="mono">{forward.listen}</span> },
  { id: 'destination', title: 'Leads to', render: (forward) => <span className="mono">{forward.destination}</span> },
  { id: 'started_at', title: 'Started', width: 110, from: 'sm', render: (forward) => <Age at={forward.started_at} /> },
  { id: 'lasted', title: 'Lasted', width: 90, align: 'right', from: 'md', render: (forward) => <Lasting since={forward.started_at} until={forward.ended_at} /> },
  { id: 'bytes', title: 'There / back', width: 136, align: 'right', from: 'sm', render: (forward) => <span className="nowrap">{`${bytes(forward.bytes_in)} / ${bytes(forward.bytes_out)}`}</span> },
  { id: 'session', title: 'Session', width: 100, render: (forward) => <SessionLink id={forward.session} /> },
];

export default function ForwardsPage() {
  const [search, change] = useListSearch(false);
  const all = search.show === 'all';
  return (
    <Page title="Forwards" about="Ports that lead through the gate, within sessions.">
      <List<SessionForward>
        key={String(all)}
        name="forwards"
        path="/forwards"
        columns={columns}
        fixed={all ? {} : { active: true }}
        rowId={(forward) => `${forward.session} ${forward.kind} ${forward.listen} ${forward.destination} ${forward.started_at}`}
        searchLabel={null}
        extra={
          <SegmentedControl
            size="sm"
            aria-label="Which"
            value={all ? 'all' : 'running'}
            onChange={(show) => change({ show: show === 'all' ? 'all' : undefined, cursor: undefined })}
            data={[
              { value: 'running', label: 'Running' },
              { value: 'all', label: 'All' },
            ]}
          />
        }
        empty={
          all
            ? { title: 'No forward yet', hint: 'Forwards appear here when somebody opens one with ssh -L, -R, -D or -W, and their grant permits it.' }
            : { title: 'No forward runs', hint: 'Running ones appear here at once. "All" shows those that there were.' }
        }
      />
    </Page>
  );
}
