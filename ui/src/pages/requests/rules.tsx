import { Button, Modal, SegmentedControl, Select, Stack, Switch, TagsInput, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { api, at } from '@/api/client';
import { useItems } from '@/api/queries';
import { useCan } from '@/api/session';
import type { ApprovalRule } from '@/api/shapes';
import { ActionButton, useAct } from '@/components/action';
import { ProtocolBadge } from '@/components/badges';
import { DurationInput } from '@/components/duration-input';
import { Form, Submit, useApiForm } from '@/components/form';
import { Card, Page } from '@/components/page';
import { Pick } from '@/components/pick';
import { ShortTable, type Cell } from '@/components/rows';
import { useSaved } from '@/components/saved';

const TOUCHES = ['/approval-rules'];

/** What is approved by itself. */
export default function ApprovalRulesPage() {
  const asked = useItems<ApprovalRule>('/approval-rules');
  const admin = useCan('admin');
  const [adding, setAdding] = useState(false);
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
      Add a rule
    </Button>
  );
  const cells: Cell<ApprovalRule>[] = [
    { title: 'Who asks', render: (rule) => partyWords(rule.subject) },
    { title: 'For what', render: (rule) => partyWords(rule.target) },
    { title: 'Protocol', render: (rule) => <ProtocolBadge protocol={rule.protocol} /> },
    { title: 'Logins', render: (rule) => <span className="mono">{rule.logins.join(', ') || 'any'}</span> },
    { title: 'At most for', render: (rule) => rule.max_for },
    { title: 'In use', render: (rule) => <InUse rule={rule} fixed={!admin} /> },
  ];
  if (admin) cells.push({ title: 'Remove', quiet: true, align: 'right', render: (rule) => <Remove rule={rule} /> });
  return (
    <Page title="Approval rules" about="Requests that fit a rule are approved by themselves; all others wait for an approver." actions={admin && add}>
      <Card>
        <ShortTable
          label="Approval rules"
          busy={asked.isPending}
          error={asked.error}
          retry={() => void asked.refetch()}
          cells={cells}
          rows={asked.items}
          id={(rule) => rule.id}
          empty={{ title: 'No rules', hint: 'Every request waits for somebody who decides it.', action: admin && add }}
        />
      </Card>
      <Modal opened={adding} onClose={() => setAdding(false)} title="New rule">
        {adding && <Add close={() => setAdding(false)} />}
      </Modal>
    </Page>
  );
}

function partyWords(party: ApprovalRule['subject'] | ApprovalRule['target']): string {
  const [kind = '', name = ''] = Object.entries(party)[0] ?? [];
  return kind === 'group' ? `group ${name}` : String(name);
}

function InUse({ rule, fixed }: { rule: ApprovalRule; fixed: boolean }) {
  const [act, busy] = useAct();
  return (
    <Switch
      aria-label="In use"
      checked={rule.active}
      disabled={fixed || busy}
      onChange={(event) => {
        const active = event.currentTarget.checked;
        void act({ run: () => api.patch(at`/approval-rules/${rule.id}`, { active }), said: active ? 'The rule is in use.' : 'The rule is switched off.', touches: TOUCHES });
      }}
    />
  );
}

function Remove({ rule }: { rule: ApprovalRule }) {
  return (
    <ActionButton
      label="Remove"
      size="xs"
      variant="subtle"
      color="brick"
      run={() => api.del(at`/approval-rules/${rule.id}`)}
      said="The rule is removed."
      touches={TOUCHES}
      confirm={{ title: 'Remove this rule?', body: 'What it approved stays approved.', action: 'Remove', danger: true }}
    />
  );
}

function Add({ close }: { close: () => void }) {
  const saved = useSaved();
  const of = useApiForm({
    initial: { subjectKind: 'group', subject: null as string | null, targetKind: 'group', target: null as string | null, protocol: '', logins: [] as string[], max_for: '8h' },
    validate: {
      subject: (name) => (name === null ? 'Say who.' : null),
      target: (name) => (name === null ? 'Say for what.' : null),
      max_for: (text) => (text.trim() === '' ? 'Say for how long at most.' : null),
    },
    submit: async (values) => {
      await api.create('/approval-rules', {
        subject: { [values.subjectKind]: values.subject },
        target: { [values.targetKind]: values.target },
        protocol: values.protocol || null,
        logins: values.logins,
        max_for: values.max_for.trim(),
      });
      saved('The rule is in use.', TOUCHES);
      close();
    },
  });
  const { form } = of;
  const values = form.getValues();
  return (
    <Form of={of} label="New rule">
      <Stack gap="sm">
        <SegmentedControl aria-label="Who asks" data={[{ value: 'group', label: 'Group of people' }, { value: 'user', label: 'Person' }]} {...form.getInputProps('subjectKind')} />
        <Pick kind={values.subjectKind === 'user' ? 'user' : 'user_group'} label="Who asks" value={values.subject} onChange={(name) => form.setFieldValue('subject', name)} error={form.errors.subject} />
        <SegmentedControl aria-label="For what" data={[{ value: 'group', label: 'Group of servers' }, { value: 'server', label: 'Server' }]} {...form.getInputProps('targetKind')} />
        <Pick kind={values.targetKind === 'server' ? 'server' : 'server_group'} label="For what" value={values.target} onChange={(name) => form.setFieldValue('target', name)} error={form.errors.target} />
        <Select label="Protocol" data={[{ value: '', label: 'Every protocol' }, { value: 'ssh', label: 'SSH' }, { value: 'rdp', label: 'RDP' }]} {...form.getInputProps('protocol')} />
        <TagsInput label="Logins" description="Empty: any." {...form.getInputProps('logins')} />
        <DurationInput label="At most for" fromNow={false} {...form.getInputProps('max_for')} />
        <Text size="xs" c="dimmed">
          Longer requests wait for an approver.
        </Text>
      </Stack>
      <Submit busy={of.busy} label="Add" cancel={close} />
    </Form>
  );
}
