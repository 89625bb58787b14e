import { Page } from '@/components/page';

export default function GroupsServerGroupPage() {
  return <Page title="Groups server group">Being built.</Page>;
}
