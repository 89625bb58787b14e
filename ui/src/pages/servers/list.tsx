import { Page } from '@/components/page';

export default function ServersListPage() {
  return <Page title="Servers list">Being built.</Page>;
}
