import { Page } from '@/components/page';

export default function PeopleListPage() {
  return <Page title="People list">Being built.</Page>;
}
