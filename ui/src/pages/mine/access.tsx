import { Page } from '@/components/page';

export default function MineAccessPage() {
  return <Page title="Mine access">Being built.</Page>;
}
