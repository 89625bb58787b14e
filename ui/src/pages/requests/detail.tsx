import { Page } from '@/components/page';

export default function RequestsDetailPage() {
  return <Page title="Requests detail">Being built.</Page>;
}
