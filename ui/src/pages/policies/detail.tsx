import { Page } from '@/components/page';

export default function PoliciesDetailPage() {
  return <Page title="Policies detail">Being built.</Page>;
}
