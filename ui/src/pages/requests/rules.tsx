import { Page } from '@/components/page';

export default function RequestsRulesPage() {
  return <Page title="Requests rules">Being built.</Page>;
}
