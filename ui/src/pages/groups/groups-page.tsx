import { Button, Modal, Stack, TextInput, Textarea } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { api } from '@/api/client';
import { useAll } from '@/api/queries';
import { useCan } from '@/api/session';
import type { Group } from '@/api/shapes';
import { EmptyState } from '@/components/empty';
import { Form, Submit, useApiForm } from '@/components/form';
import { Card, Page } from '@/components/page';
import { Pick } from '@/components/pick';
import { useSaved } from '@/components/saved';
import { Failure, PageLoading } from '@/shell/states';
import { GroupTree } from './group-tree';
import type { GroupKind } from './kinds';

/** All groups of one kind. */
export function GroupsPage({ kind }: { kind: GroupKind }) {
  const groups = useAll<Group>(kind.path);
  const admin = useCan('admin');
  const [adding, setAdding] = useState(false);
  const [text, setText] = useState('');
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
      Add a group
    </Button>
  );
  return (
    <Page title={kind.title} about={`${kind.about} They nest up to 10 levels.`} actions={admin && add}>
      {groups.data === undefined ? (
        groups.isError ? <Failure error={groups.error} retry={() => void groups.refetch()} /> : <PageLoading />
      ) : (
        <Card>
          {groups.data.length === 0 ? (
            <EmptyState title="No groups yet" hint={kind.about} action={admin && add} />
          ) : (
            <>
              {groups.data.length > 12 && (
                <TextInput type="search" mb="sm" maw={320} placeholder="Search" aria-label="Search groups" value={text} onChange={(event) => setText(event.currentTarget.value)} />
              )}
              <GroupTree kind={kind} groups={withAbove(groups.data, text)} fixed={!admin} />
            </>
          )}
        </Card>
      )}
      <Modal opened={adding} onClose={() => setAdding(false)} title={`New ${kind.one}`}>
        {adding && <Add kind={kind} close={() => setAdding(false)} />}
      </Modal>
    </Page>
  );
}

/** Those whose name holds the text, with all above them. */
function withAbove(groups: Group[], text: string): Group[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return groups;
  const kept = new Set(groups.filter((group) => group.name.toLowerCase().includes(wanted)).flatMap((group) => [group.name, ...group.path]));
  return groups.filter((group) => kept.has(group.name));
}

function Add({ kind, close }: { kind: GroupKind; close: () => void }) {
  const saved = useSaved();
  const of = useApiForm({
    initial: { name: '', parent: null as string | null, description: '' },
    validate: { name: (name) => (name.trim() === '' ? 'A name is needed.' : null) },
    submit: async (values) => {
      const group = await api.create<Group>(kind.path, { name: values.name.trim(), parent: values.parent, description: values.description.trim() || null });
      saved(`${group.name} is made.`, kind.touches);
      close();
    },
  });
  const { form } = of;
  return (
    <Form of={of} label={`New ${kind.one}`}>
      <Stack gap="sm">
        <TextInput label="Name" required data-autofocus {...form.getInputProps('name')} />
        <Pick kind={kind.member === 'user' ? 'user_group' : 'server_group'} label="Below" description="Empty: at the top." value={form.getValues().parent} onChange={(parent) => form.setFieldValue('parent', parent)} error={form.errors.parent} />
        <Textarea label="Description" autosize {...form.getInputProps('description')} />
      </Stack>
      <Submit busy={of.busy} label="Add" cancel={close} />
    </Form>
  );
}
