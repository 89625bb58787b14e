import { Page } from '@/components/page';

export default function TokensPage() {
  return <Page title="Tokens">Being built.</Page>;
}
