import { Page } from '@/components/page';

export default function GroupsUserGroupPage() {
  return <Page title="Groups user group">Being built.</Page>;
}
