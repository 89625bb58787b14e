import { Page } from '@/components/page';

export default function MineSessionsPage() {
  return <Page title="Mine sessions">Being built.</Page>;
}
