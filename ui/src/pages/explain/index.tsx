import { Page } from '@/components/page';

export default function ExplainPage() {
  return <Page title="Explain">Being built.</Page>;
}
