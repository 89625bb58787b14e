import { Page } from '@/components/page';

export default function PeopleDetailPage() {
  return <Page title="People detail">Being built.</Page>;
}
