import { useCan } from '@/api/session';
import { at } from '@/api/client';
import type { Session } from '@/api/shapes';
import { List } from '@/components/list/list';
import { Page } from '@/components/page';
import { sessionColumns } from '@/components/session-columns';

/** A plain user sees rows, no recordings. */
export default function MySessionsPage() {
  const auditor = useCan('auditor');
  const columns = sessionColumns.filter((column) => column.id !== 'user').map((column) => (auditor ? column : plain(column)));
  return (
    <Page title="My sessions" about="Every session is recorded.">
      <List<Session>
        name="my-sessions"
        path="/me/sessions"
        columns={columns}
        rowId={(session) => session.id}
        open={auditor ? (session) => at`/sessions/${session.id}` : undefined}
        defaultSort="-started_at"
        searchLabel={null}
        empty={{ title: 'No sessions yet', hint: 'What you do through the gate is listed here.' }}
      />
    </Page>
  );
}

/** Without links to pages that a plain user does not see. */
function plain(column: (typeof sessionColumns)[number]): (typeof sessionColumns)[number] {
  if (column.id === 'server') return { ...column, render: (session) => session.server };
  return column;
}
