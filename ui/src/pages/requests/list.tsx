import { Page } from '@/components/page';

export default function RequestsListPage() {
  return <Page title="Requests list">Being built.</Page>;
}
