import { useParams } from '@tanstack/react-router';
import { GroupPage } from './group-page';
import { USER_GROUPS } from './kinds';

export default function UserGroupPage() {
  const { group } = useParams({ strict: false }) as { group: string };
  return <GroupPage key={group} kind={USER_GROUPS} name={group} />;
}
