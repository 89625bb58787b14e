import { Page } from '@/components/page';

export default function SessionsListPage() {
  return <Page title="Sessions list">Being built.</Page>;
}
