import { Page } from '@/components/page';

export default function RequestsNewPage() {
  return <Page title="Requests new">Being built.</Page>;
}
