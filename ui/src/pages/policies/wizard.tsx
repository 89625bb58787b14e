import { useLocation } from '@tanstack/react-router';
import { useState } from 'react';
import { api, at } from '@/api/client';
import { useOne } from '@/api/queries';
import type { Policy } from '@/api/shapes';
import type { Search } from '@/app/search';
import { useGo } from '@/components/link';
import { Page } from '@/components/page';
import { useSaved } from '@/components/saved';
import { Failure, PageLoading } from '@/shell/states';
import { GrantWizard } from './grant-wizard';
import { grantBody, valuesFromPolicy, valuesFromSearch, type GrantValues } from './values';

/** A new grant, or a copy of one (`?clone=12`). */
export default function NewGrantPage() {
  const search = useLocation({ select: (location) => location.search as Search });
  return search.clone === undefined ? <Wizard draft={`new ${JSON.stringify(search)}`} initial={valuesFromSearch(search)} /> : <Copy id={search.clone} />;
}

function Copy({ id }: { id: string }) {
  const asked = useOne<Policy>(at`/policies/${id}`);
  if (asked.data === undefined) return asked.isError ? <Failure error={asked.error} retry={() => void asked.refetch()} /> : <PageLoading />;
  return <Wizard draft={`clone ${id}`} initial={valuesFromPolicy(asked.data.value, true)} of={id} />;
}

function Wizard({ draft, initial, of }: { draft: string; initial: GrantValues; of?: string }) {
  const go = useGo();
  const saved = useSaved();
  // One instant however often it is sent, so that a repetition is known for one.
  const [now] = useState(() => new Date().toISOString());
  return (
    <Page title={of === undefined ? 'New grant' : `Copy of grant #${of}`} above={[{ label: 'Grants', to: '/policies' }]}>
      <GrantWizard
        draft={draft}
        initial={initial}
        action="Grant"
        cancel={() => go('/policies')}
        submit={async (values) => {
          const path = of === undefined ? '/policies' : at`/policies/${of}/clone`;
          const body = grantBody(values);
          // A copy keeps what is not said; "now" has to be.
          if (of !== undefined && body.start === null) body.start = now;
          const policy = await api.create<Policy>(path, body);
          saved(`Grant #${policy.id} is made.`, ['/policies', '/me']);
          go(at`/policies/${policy.id}`);
        }}
      />
    </Page>
  );
}
