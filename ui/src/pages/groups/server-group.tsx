import { useParams } from '@tanstack/react-router';
import { GroupPage } from './group-page';
import { SERVER_GROUPS } from './kinds';

export default function ServerGroupPage() {
  const { group } = useParams({ strict: false }) as { group: string };
  return <GroupPage key={group} kind={SERVER_GROUPS} name={group} />;
}
