import { Page } from '@/components/page';

export default function MineProfilePage() {
  return <Page title="Mine profile">Being built.</Page>;
}
