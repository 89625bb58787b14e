import { Stack, TextInput } from '@mantine/core';
import { api } from '@/api/client';
import { useOne } from '@/api/queries';
import { useSession } from '@/api/session';
import type { User } from '@/api/shapes';
import { RoleBadge } from '@/components/badges';
import { Form, Submit, useApiForm } from '@/components/form';
import { Card, Facts, Page } from '@/components/page';
import { useSaved } from '@/components/saved';
import { PageTabs } from '@/components/tabs';
import { TokenTable } from '@/components/tokens';
import { Failure, PageLoading } from '@/shell/states';
import { OwnFactors } from './factors';
import { SignIns } from './sign-ins';

export default function ProfilePage() {
  const session = useSession();
  const asked = useOne<User>('/me');
  if (asked.data === undefined) return asked.isError ? <Failure error={asked.error} retry={() => void asked.refetch()} /> : <PageLoading />;
  const { value: user, tag } = asked.data;
  const signedIn = session.state === 'signed_in';
  const entry = { id: 'entry', label: 'Entry', render: () => (signedIn ? <Entry key={tag} user={user} tag={tag} /> : <Shown user={user} />) };
  return (
    <Page title="Profile" mark={<RoleBadge role={user.role} />} about={user.full_name ?? user.name}>
      <PageTabs
        label="Parts of the profile"
        tabs={
          signedIn
            ? [
                entry,
                { id: 'factors', label: 'Password and factors', render: () => <OwnFactors /> },
                { id: 'sign-ins', label: 'Sign-ins', render: () => <SignIns /> },
                { id: 'tokens', label: 'Tokens', render: () => <TokenTable own /> },
              ]
            : [entry]
        }
      />
    </Page>
  );
}

function Shown({ user }: { user: User }) {
  return (
    <Card title="Entry">
      <Facts
        facts={[
          ['Name', user.name],
          ['In full', user.full_name],
          ['Mail', user.email],
          ['Addresses', <span className="mono">{(user.addresses ?? []).map((address) => address.range).join(', ') || 'none'}</span>],
          ['Groups', (user.groups ?? []).join(', ') || 'none'],
        ]}
      />
    </Card>
  );
}

function Entry({ user, tag }: { user: User; tag: string | null }) {
  const saved = useSaved();
  const of = useApiForm({
    initial: { full_name: user.full_name ?? '', email: user.email ?? '' },
    submit: async (values) => {
      await api.patch('/me', { full_name: values.full_name.trim() || null, email: values.email.trim() || null }, { tag });
      saved('Your entry is changed.', ['/me', '/session']);
    },
  });
  return (
    <Stack maw={640}>
      <Card title="Entry">
        <Form of={of} label="Entry">
          <Stack gap="sm">
            <TextInput label="Name" value={user.name} disabled />
            <TextInput label="Name in full" {...of.form.getInputProps('full_name')} />
            <TextInput label="Mail address" description="Notices of requests go there." type="email" {...of.form.getInputProps('email')} />
          </Stack>
          <Submit busy={of.busy} label="Save" disabled={!of.form.isDirty()} />
        </Form>
      </Card>
      <Shown user={user} />
    </Stack>
  );
}
