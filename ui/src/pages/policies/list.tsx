import { Page } from '@/components/page';

export default function PoliciesListPage() {
  return <Page title="Policies list">Being built.</Page>;
}
