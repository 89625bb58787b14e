import { Stack, Text } from '@mantine/core';
import { api } from '@/api/client';
import { useRead } from '@/api/queries';
import { useCan } from '@/api/session';
import { Form, Submit, useApiForm } from '@/components/form';
import { Card } from '@/components/page';
import { PickMany } from '@/components/pick';
import { useSaved } from '@/components/saved';
import { Failure, PageLoading } from '@/shell/states';

interface Given {
  users: string[];
  groups: string[];
}

/** Who decides requests for servers of a group. */
export function Approvers({ path }: { path: string }) {
  const asked = useRead<Given>(`${path}/approvers`);
  if (asked.data === undefined) return asked.isError ? <Failure error={asked.error} retry={() => void asked.refetch()} /> : <PageLoading />;
  return <Edit key={JSON.stringify(asked.data)} path={path} given={asked.data} />;
}

function Edit({ path, given }: { path: string; given: Given }) {
  const admin = useCan('admin');
  const saved = useSaved();
  const of = useApiForm({
    initial: { users: given.users, groups: given.groups },
    submit: async (values) => {
      await api.put(`${path}/approvers`, values);
      saved('The approvers are set.', [`${path}/approvers`]);
    },
  });
  const { form } = of;
  return (
    <Card title="Approvers">
      <Text size="sm" c="dimmed" mb="md">
        They decide requests for servers in this group and below, never their own. Operators and administrators always may.
      </Text>
      {admin ? (
        <Form of={of} label="Approvers">
          <Stack gap="sm" maw={560}>
            <PickMany kind="user" label="People" value={form.getValues().users} onChange={(users) => form.setFieldValue('users', users)} error={form.errors.users} />
            <PickMany kind="user_group" label="Groups of people" value={form.getValues().groups} onChange={(groups) => form.setFieldValue('groups', groups)} error={form.errors.groups} />
          </Stack>
          <Submit busy={of.busy} label="Save" disabled={!form.isDirty()} />
        </Form>
      ) : (
        <Text size="sm">{[...given.users, ...given.groups.map((group) => `group ${group}`)].join(', ') || 'Nobody besides operators and administrators.'}</Text>
      )}
    </Card>
  );
}
