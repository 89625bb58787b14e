import { Group, SegmentedControl, Select, Stack, Text, Textarea } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { at } from '@/api/client';
import { useItems, useOne } from '@/api/queries';
import type { PolicyPreview, Server } from '@/api/shapes';
import { Pick } from '@/components/pick';
import { count } from '@/components/time';
import type { GrantValues } from './values';

export interface StepProps {
  form: UseFormReturnType<GrantValues>;
}

export function StepWho({ form }: StepProps) {
  const { subjectKind, subject } = form.getValues();
  const group = subjectKind === 'group';
  return (
    <Stack maw={520}>
      <SegmentedControl
        aria-label="For whom"
        data={[
          { value: 'user', label: 'One person' },
          { value: 'group', label: 'A group of people' },
        ]}
        value={subjectKind}
        onChange={(kind) => {
          form.setFieldValue('subjectKind', kind as GrantValues['subjectKind']);
          form.setFieldValue('subject', null);
        }}
      />
      <Pick
        kind={group ? 'user_group' : 'user'}
        label={group ? 'Group' : 'Person'}
        description={group ? 'It holds for the members, and for everybody in the groups below.' : undefined}
        required
        value={subject}
        onChange={(name) => form.setFieldValue('subject', name)}
        error={form.errors.subject}
      />
      {group && subject !== null && <MemberCount group={subject} />}
    </Stack>
  );
}

function MemberCount({ group }: { group: string }) {
  const members = useItems<unknown>(at`/user-groups/${group}/members`, { limit: 500 });
  if (members.data === undefined) return null;
  return (
    <Text size="sm" c="dimmed">
      {members.items.length === 1 ? '1 person' : `${count(members.items.length)} people`} directly in it.
    </Text>
  );
}

export function StepWhat({ form, preview }: StepProps & { preview: PolicyPreview | undefined }) {
  const { targetKind, target } = form.getValues();
  const group = targetKind === 'server_group';
  return (
    <Stack maw={520}>
      <SegmentedControl
        aria-label="To what"
        data={[
          { value: 'server', label: 'One server' },
          { value: 'server_group', label: 'A group of servers' },
        ]}
        value={targetKind}
        onChange={(kind) => {
          form.setFieldValue('targetKind', kind as GrantValues['targetKind']);
          form.setFieldValue('target', null);
        }}
      />
      <Pick
        kind={group ? 'server_group' : 'server'}
        label={group ? 'Group' : 'Server'}
        description={group ? 'It covers the servers in it and in the groups below.' : undefined}
        required
        value={target}
        onChange={(name) => form.setFieldValue('target', name)}
        error={form.errors.target}
      />
      <Select
        label="Protocol"
        data={[
          { value: '', label: 'Every protocol' },
          { value: 'ssh', label: 'SSH only' },
          { value: 'rdp', label: 'RDP only' },
        ]}
        {...form.getInputProps('protocol')}
      />
      {!group && target !== null && <Offers server={target} />}
      {target !== null && preview !== undefined && <Covers preview={preview} />}
    </Stack>
  );
}

function Offers({ server }: { server: string }) {
  const asked = useOne<Server>(at`/servers/${server}`);
  const services = asked.data?.value.services ?? [];
  if (services.length === 0) return null;
  return (
    <Text size="sm" c="dimmed">
      {server} offers {services.map((service) => `${service.protocol.toUpperCase()} at port ${service.port}`).join(' and ')}.
    </Text>
  );
}

/** The live count of what a grant covers. */
export function Covers({ preview }: { preview: PolicyPreview }) {
  const numbers = [
    [preview.users, 'person', 'people'],
    [preview.servers, 'server', 'servers'],
    [preview.connections, 'way to connect', 'ways to connect'],
  ] as const;
  return (
    <Group gap="xl" role="status" aria-label="What it covers">
      {numbers.map(([value, one, many]) => (
        <div key={many}>
          <Text fz={22} fw={650} lh={1.1}>
            {count(value)}
          </Text>
          <Text size="xs" c="dimmed">
            {value === 1 ? one : many}
          </Text>
        </div>
      ))}
    </Group>
  );
}

export function StepReason({ form }: StepProps) {
  return (
    <Stack maw={520}>
      <Textarea
        label="Reason"
        description="For whoever reads the list and the audit book: a ticket, a task."
        placeholder="ticket 4711: move the database"
        autosize
        minRows={3}
        autoFocus
        {...form.getInputProps('reason')}
      />
    </Stack>
  );
}
