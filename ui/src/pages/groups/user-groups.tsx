import { GroupsPage } from './groups-page';
import { USER_GROUPS } from './kinds';

export default function UserGroupsPage() {
  return <GroupsPage kind={USER_GROUPS} />;
}
