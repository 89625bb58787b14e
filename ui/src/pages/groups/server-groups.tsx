import { Page } from '@/components/page';

export default function GroupsServerGroupsPage() {
  return <Page title="Groups server groups">Being built.</Page>;
}
