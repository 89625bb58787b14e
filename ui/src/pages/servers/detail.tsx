import { Page } from '@/components/page';

export default function ServersDetailPage() {
  return <Page title="Servers detail">Being built.</Page>;
}
