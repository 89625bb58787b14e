import { Page } from '@/components/page';

export default function ForwardsPage() {
  return <Page title="Forwards">Being built.</Page>;
}
