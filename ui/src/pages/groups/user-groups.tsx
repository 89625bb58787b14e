import { Page } from '@/components/page';

export default function GroupsUserGroupsPage() {
  return <Page title="Groups user groups">Being built.</Page>;
}
