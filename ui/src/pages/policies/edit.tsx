import { Page } from '@/components/page';

export default function PoliciesEditPage() {
  return <Page title="Policies edit">Being built.</Page>;
}
