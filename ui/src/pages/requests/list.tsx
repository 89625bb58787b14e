import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useCan, useSession } from '@/api/session';
import { RouterLink } from '@/components/link';
import { Page } from '@/components/page';
import { RequestList } from '@/components/request-list';
import { PageTabs } from '@/components/tabs';
import { BreakGlass } from './break-glass';

export default function RequestsPage() {
  const auditor = useCan('auditor');
  const signedIn = useSession().state === 'signed_in';
  const ask = (
    <Button component={RouterLink} to="/requests/new" leftSection={<IconPlus size={16} />}>
      Ask for access
    </Button>
  );
  const mine = {
    id: 'mine',
    label: 'Mine',
    render: () => <RequestList key="mine" fixed={{ mine: true }} embedded empty={{ title: 'You have asked for nothing yet', hint: 'Ask for access to a server, or for another address of yours to be known.', action: ask }} />,
  };
  const toDecide = {
    id: 'decide',
    label: 'To decide',
    render: () => <RequestList key="decide" fixed={{ to_decide: true, state: 'pending' }} embedded empty={{ title: 'Nothing waits for you', hint: 'Requests that you may decide appear here at once.' }} />,
  };
  const glass = {
    id: 'break-glass',
    label: 'Break-glass',
    render: () => <RequestList key="glass" fixed={{ kind: 'break_glass' }} embedded empty={{ title: 'No break-glass yet', hint: 'Access that was opened without a decision is listed here, to be reviewed.' }} />,
  };
  const all = { id: 'all', label: 'All', render: () => <RequestList key="all" embedded /> };
  return (
    <Page
      title="Requests"
      actions={
        <>
          {signedIn && <BreakGlass />}
          {ask}
        </>
      }
    >
      <PageTabs label="Which requests" tabs={auditor ? [toDecide, mine, glass, all] : signedIn ? [mine, toDecide] : [mine]} />
    </Page>
  );
}
