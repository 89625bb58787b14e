import { GroupsPage } from './groups-page';
import { SERVER_GROUPS } from './kinds';

export default function ServerGroupsPage() {
  return <GroupsPage kind={SERVER_GROUPS} />;
}
