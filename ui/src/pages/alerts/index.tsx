import { Page } from '@/components/page';

export default function AlertsPage() {
  return <Page title="Alerts">Being built.</Page>;
}
