import { Page } from '@/components/page';

export default function PeopleNewPage() {
  return <Page title="People new">Being built.</Page>;
}
