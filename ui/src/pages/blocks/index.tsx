import { Badge, Button, Modal, Stack, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { api, at } from '@/api/client';
import { useItems } from '@/api/queries';
import { useCan } from '@/api/session';
import type { Block } from '@/api/shapes';
import { ActionButton } from '@/components/action';
import { DurationInput } from '@/components/duration-input';
import { Form, Submit, useApiForm } from '@/components/form';
import { Age } from '@/components/moment';
import { Card, Page } from '@/components/page';
import { ShortTable, type Cell } from '@/components/rows';
import { useSaved } from '@/components/saved';

export default function BlocksPage() {
  const asked = useItems<Block>('/blocks');
  const operator = useCan('operator');
  const [adding, setAdding] = useState(false);
  const cells: Cell<Block>[] = [
    { title: 'Range', render: (block) => <span className="mono">{block.range}</span> },
    {
      title: 'Refuses',
      render: (block) => <Badge color={block.reach === 'everything' ? 'brick' : 'brass'}>{block.reach === 'everything' ? 'everything' : 'new connections'}</Badge>,
    },
    { title: 'Ends', render: (block) => <Age at={block.until} none="when lifted" /> },
    { title: 'Reason', render: (block) => block.reason ?? '–' },
    { title: 'By', render: (block) => (block.repetition === null ? block.created_by : `a node, ${block.repetition}. time in a row`) },
    { title: 'Since', render: (block) => <Age at={block.created_at} /> },
  ];
  if (operator) {
    cells.push({
      title: 'Lift',
      quiet: true,
      align: 'right',
      render: (block) => (
        <ActionButton label="Lift" size="xs" variant="subtle" aria-label={`Lift the block of ${block.range}`} run={() => api.del(at`/blocks/${block.range}`)} said={`${block.range} is not blocked any more.`} touches={['/blocks']} />
      ),
    });
  }
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
      Block a source
    </Button>
  );
  return (
    <Page title="Blocks" about="Sources that are refused before anything else: by somebody, or by a node because of too many denials." actions={operator && add}>
      <Card>
        <ShortTable label="Blocks" busy={asked.isPending} error={asked.error} retry={() => void asked.refetch()} cells={cells} rows={asked.items} id={(block) => `${block.range} ${block.created_at}`} empty={{ title: 'Nothing is blocked', hint: 'A node blocks a source by itself for a while after too many denials or failed logins.' }} />
      </Card>
      <Modal opened={adding} onClose={() => setAdding(false)} title="Block a source">
        {adding && <Add close={() => setAdding(false)} />}
      </Modal>
    </Page>
  );
}

function Add({ close }: { close: () => void }) {
  const saved = useSaved();
  const of = useApiForm({
    initial: { range: '', for: '', reason: '' },
    validate: { range: (range) => (range.trim() === '' ? 'An address or range is needed.' : null) },
    submit: async (values) => {
      const range = values.range.trim();
      await api.create('/blocks', { range, for: values.for.trim() || null, reason: values.reason.trim() || null });
      saved(`${range} is blocked.`, ['/blocks']);
      close();
    },
  });
  return (
    <Form of={of} label="Block a source">
      <Stack gap="sm">
        <TextInput label="Address or range" placeholder="192.0.2.0/24" required data-autofocus {...of.form.getInputProps('range')} />
        <DurationInput label="For how long" description="Empty: until it is lifted." {...of.form.getInputProps('for')} />
        <TextInput label="Reason" {...of.form.getInputProps('reason')} />
      </Stack>
      <Submit busy={of.busy} label="Block" danger cancel={close} />
    </Form>
  );
}
