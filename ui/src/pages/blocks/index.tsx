import { Page } from '@/components/page';

export default function BlocksPage() {
  return <Page title="Blocks">Being built.</Page>;
}
