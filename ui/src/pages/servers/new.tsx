import { Page } from '@/components/page';

export default function ServersNewPage() {
  return <Page title="Servers new">Being built.</Page>;
}
