import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { api, at, type Tagged } from '@/api/client';
import { useOne } from '@/api/queries';
import type { Policy } from '@/api/shapes';
import { useGo } from '@/components/link';
import { Page } from '@/components/page';
import { useSaved } from '@/components/saved';
import { Failure, PageLoading } from '@/shell/states';
import { GrantWizard } from './grant-wizard';
import { changes, grantBody, valuesFromPolicy } from './values';

export default function EditGrantPage() {
  const { policy: id } = useParams({ strict: false }) as { policy: string };
  const asked = useOne<Policy>(at`/policies/${id}`);
  if (asked.data === undefined) return asked.isError ? <Failure error={asked.error} retry={() => void asked.refetch()} /> : <PageLoading />;
  return <Edit key={id} given={asked.data} />;
}

function Edit({ given }: { given: Tagged<Policy> }) {
  // What was there when editing began: a change by somebody else meanwhile is refused by its tag.
  const [{ value: policy, tag }] = useState(given);
  const go = useGo();
  const saved = useSaved();
  const initial = valuesFromPolicy(policy, false);
  const back = () => go(at`/policies/${policy.id}`);
  return (
    <Page
      title={`Edit grant #${policy.id}`}
      above={[
        { label: 'Grants', to: '/policies' },
        { label: `#${policy.id}`, to: at`/policies/${policy.id}` },
      ]}
      about="Running sessions are decided again at once."
    >
      <GrantWizard
        draft={`edit ${policy.id} ${tag}`}
        initial={initial}
        action="Save"
        cancel={back}
        submit={async (values) => {
          await api.patch(at`/policies/${policy.id}`, changes(grantBody(initial), grantBody(values)), { tag });
          saved(`Grant #${policy.id} is changed.`, ['/policies', '/me']);
          back();
        }}
      />
    </Page>
  );
}
