import { Page } from '@/components/page';

export default function SessionsDetailPage() {
  return <Page title="Sessions detail">Being built.</Page>;
}
