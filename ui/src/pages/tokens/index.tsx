import { Page } from '@/components/page';
import { TokenTable } from '@/components/tokens';

export default function TokensPage() {
  return (
    <Page title="Tokens" about="Of everybody. A token dies with a lock or a switched-off person.">
      <TokenTable />
    </Page>
  );
}
