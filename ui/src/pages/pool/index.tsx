import { Page } from '@/components/page';

export default function PoolPage() {
  return <Page title="Pool">Being built.</Page>;
}
