import { Button, SimpleGrid, Stack, Text, TextInput, Textarea } from '@mantine/core';
import { api } from '@/api/client';
import { useOne } from '@/api/queries';
import { useCan } from '@/api/session';
import type { Group, Policy } from '@/api/shapes';
import { useAct } from '@/components/action';
import { Form, Submit, useApiForm } from '@/components/form';
import { PageLink, RouterLink, useGo } from '@/components/link';
import { List } from '@/components/list/list';
import { Card, Page } from '@/components/page';
import { Pick } from '@/components/pick';
import { policyColumns } from '@/components/policy-columns';
import { RightsCard } from '@/components/rights';
import { useSaved } from '@/components/saved';
import { PageTabs } from '@/components/tabs';
import { Failure, PageLoading } from '@/shell/states';
import { Approvers } from './approvers';
import type { GroupKind } from './kinds';
import { Members } from './members';

/** One group, of either kind. */
export function GroupPage({ kind, name }: { kind: GroupKind; name: string }) {
  const path = `${kind.path}/${encodeURIComponent(name)}`;
  const asked = useOne<Group>(path);
  const admin = useCan('admin');
  if (asked.data === undefined) return asked.isError ? <Failure error={asked.error} retry={() => void asked.refetch()} /> : <PageLoading />;
  const { value: group, tag } = asked.data;
  const chain = group.path.filter((above) => above !== group.name);
  return (
    <Page
      title={group.name}
      above={[{ label: kind.title, to: kind.page }, ...chain.map((above) => ({ label: above, to: `${kind.page}/${encodeURIComponent(above)}` }))]}
      about={group.description ?? undefined}
      actions={
        admin && (
          <Button component={RouterLink} to="/policies/new" search={{ [kind.member === 'user' ? 'group' : 'server_group']: group.name }}>
            {kind.member === 'user' ? 'Grant access' : 'Grant access to it'}
          </Button>
        )
      }
    >
      <PageTabs
        label={`Parts of ${group.name}`}
        tabs={[
          { id: 'members', label: kind.members, count: group.members_count ?? group.members?.length, render: () => <Members kind={kind} group={group.name} /> },
          { id: 'entry', label: 'Entry', render: () => <Entry key={tag} kind={kind} group={group} tag={tag} fixed={!admin} /> },
          ...(kind.member === 'user' ? [{ id: 'rights', label: 'Rights', render: () => <RightsCard path={path} of={group.name} /> }] : []),
          ...(kind.member === 'server' ? [{ id: 'approvers', label: 'Approvers', render: () => <Approvers path={path} /> }] : []),
          { id: 'grants', label: 'Grants', render: () => <Grants kind={kind} group={group.name} /> },
        ]}
      />
    </Page>
  );
}

function Grants({ kind, group }: { kind: GroupKind; group: string }) {
  return (
    <List<Policy>
      name="policies"
      path="/policies"
      columns={policyColumns}
      rowId={(policy) => String(policy.id)}
      open={(policy) => `/policies/${policy.id}`}
      fixed={kind.member === 'user' ? { group } : { server_group: group }}
      embedded
      searchLabel={null}
      empty={{ title: 'No grants to this group itself', hint: 'Grants to a group above hold here as well.' }}
    />
  );
}

interface EntryProps {
  kind: GroupKind;
  group: Group;
  tag: string | null;
  fixed: boolean;
}

function Entry({ kind, group, tag, fixed }: EntryProps) {
  const go = useGo();
  const saved = useSaved();
  const of = useApiForm({
    initial: { name: group.name, parent: group.parent, description: group.description ?? '' },
    submit: async (values) => {
      const body = { name: values.name.trim(), parent: values.parent, description: values.description.trim() || null };
      const after = await api.patch<Group>(`${kind.path}/${encodeURIComponent(group.name)}`, body, { tag });
      saved(`${after.name} is changed.`, kind.touches);
      if (after.name !== group.name) go(`${kind.page}/${encodeURIComponent(after.name)}`, { tab: 'entry' }, { replace: true });
    },
  });
  const { form } = of;
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Card title="Entry">
        <Form of={of} label="Entry">
          <Stack gap="sm">
            <TextInput label="Name" required disabled={fixed} {...form.getInputProps('name')} />
            <Pick
              kind={kind.member === 'user' ? 'user_group' : 'server_group'}
              label="Below"
              description="Empty: at the top. What is below moves along."
              disabled={fixed}
              value={form.getValues().parent}
              onChange={(parent) => form.setFieldValue('parent', parent)}
              error={form.errors.parent}
            />
            <Textarea label="Description" autosize disabled={fixed} {...form.getInputProps('description')} />
          </Stack>
          {!fixed && <Submit busy={of.busy} label="Save" disabled={!form.isDirty()} />}
        </Form>
      </Card>
      <Stack>
        <Card title="Groups below">
          {(group.children ?? []).length === 0 ? (
            <Text size="sm" c="dimmed">
              None.
            </Text>
          ) : (
            <Stack gap={4}>
              {(group.children ?? []).map((child) => (
                <PageLink key={child} to={`${kind.page}/${encodeURIComponent(child)}`} size="sm">
                  {child}
                </PageLink>
              ))}
            </Stack>
          )}
        </Card>
        {!fixed && <Remove kind={kind} group={group} tag={tag} />}
      </Stack>
    </SimpleGrid>
  );
}

function Remove({ kind, group, tag }: Omit<EntryProps, 'fixed'>) {
  const [act, busy] = useAct();
  const go = useGo();
  return (
    <Card title="Remove">
      <Text size="sm" c="dimmed" mb="sm">
        Its grants are removed with it; the members stay. A group with groups below it cannot be removed.
      </Text>
      <Button
        variant="light"
        color="brick"
        loading={busy}
        onClick={() =>
          void act({
            run: () => api.del(`${kind.path}/${encodeURIComponent(group.name)}`, { tag }),
            said: `${group.name} is removed.`,
            touches: kind.touches,
            confirm: { title: `Remove ${group.name}?`, body: 'Grants to the group are gone, and sessions that only they allow end. This cannot be undone.', action: 'Remove', danger: true },
            then: () => go(kind.page),
          })
        }
      >
        Remove {group.name}
      </Button>
    </Card>
  );
}
