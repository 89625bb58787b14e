import { Badge, Button, Group, Modal, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { api, at } from '@/api/client';
import { useRead } from '@/api/queries';
import { useCan } from '@/api/session';
import type { Pool } from '@/api/shapes';
import { ActionButton } from '@/components/action';
import { Form, Submit, useApiForm } from '@/components/form';
import { ServerLink } from '@/components/link';
import { Age, Moment } from '@/components/moment';
import { Card, Page } from '@/components/page';
import { Pick } from '@/components/pick';
import { ShortTable, type Cell } from '@/components/rows';
import { useSaved } from '@/components/saved';
import { count, fromInput } from '@/components/time';
import { Failure, PageLoading } from '@/shell/states';
import { AllocationMap } from './map';

const TOUCHES = ['/pool', '/servers'];

type Dialog = { kind: 'range' } | { kind: 'assign'; address: string } | null;

export default function PoolPage() {
  const asked = useRead<Pool>('/pool');
  const admin = useCan('admin');
  const [dialog, setDialog] = useState<Dialog>(null);
  if (asked.data === undefined) return asked.isError ? <Failure error={asked.error} retry={() => void asked.refetch()} /> : <PageLoading />;
  const pool = asked.data;
  const add = (
    <Button variant="default" leftSection={<IconPlus size={16} />} onClick={() => setDialog({ kind: 'range' })}>
      Add a range
    </Button>
  );
  return (
    <Page
      title="Address pool"
      about="Connecting to an address of the pool means: connect to the server that has it."
      mark={<Badge>{count(pool.free)} free</Badge>}
      actions={
        admin && (
          <>
            {add}
            <Button onClick={() => setDialog({ kind: 'assign', address: '' })} disabled={pool.ranges.length === 0}>
              Assign an address
            </Button>
          </>
        )
      }
    >
      <Card title="Ranges">
        <Ranges pool={pool} admin={admin} pick={(address) => setDialog({ kind: 'assign', address })} />
      </Card>
      <Card title="Allocations">
        <Allocations pool={pool} admin={admin} />
      </Card>
      <Card title="Quarantine">
        <Text size="sm" c="dimmed" mb="sm">
          A released address is given to no other server for 30 days, unless it is named.
        </Text>
        <ShortTable
          label="Quarantine"
          rows={pool.quarantine}
          id={(entry) => entry.address}
          empty={{ title: 'Empty' }}
          cells={[
            { title: 'Address', render: (entry) => <span className="mono">{entry.address}</span> },
            { title: 'Was of', render: (entry) => entry.server ?? '–' },
            { title: 'Free again', render: (entry) => <Age at={entry.until} /> },
          ]}
        />
      </Card>
      <Modal opened={dialog !== null} onClose={() => setDialog(null)} title={dialog?.kind === 'range' ? 'Add a range' : 'Assign an address'}>
        {dialog?.kind === 'range' && <AddRange close={() => setDialog(null)} />}
        {dialog?.kind === 'assign' && <Assign address={dialog.address} close={() => setDialog(null)} />}
      </Modal>
    </Page>
  );
}

function Ranges({ pool, admin, pick }: { pool: Pool; admin: boolean; pick: (address: string) => void }) {
  if (pool.ranges.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        None. Without a pool, servers are reached as LOGIN@SERVER@GATE.
      </Text>
    );
  }
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
      {pool.ranges.map((range) => (
        <Stack key={range.range} gap={6}>
          <Group justify="space-between">
            <Text fw={600} className="mono">
              {range.range}
              {range.interface !== null && (
                <Text span size="sm" c="dimmed">
                  {' '}
                  on {range.interface}
                </Text>
              )}
            </Text>
            {admin && (
              <ActionButton
                label="Remove"
                size="xs"
                variant="subtle"
                color="brick"
                aria-label={`Remove ${range.range}`}
                run={() => api.del(at`/pool/ranges/${range.range}`)}
                said={`${range.range} is removed.`}
                touches={TOUCHES}
                confirm={{ title: `Remove ${range.range}?`, body: 'It must hold no allocation. Nobody can connect to its addresses any more.', action: 'Remove', danger: true }}
              />
            )}
          </Group>
          <AllocationMap range={range.range} pool={pool} pick={admin ? pick : undefined} />
        </Stack>
      ))}
    </SimpleGrid>
  );
}

function Allocations({ pool, admin }: { pool: Pool; admin: boolean }) {
  const cells: Cell<Pool['allocations'][number]>[] = [
    { title: 'Address', render: (entry) => <span className="mono">{entry.address}</span> },
    { title: 'Server', render: (entry) => <ServerLink name={entry.server} /> },
    { title: 'Until', render: (entry) => (entry.until === null ? 'for good' : <Moment at={entry.until} />) },
    { title: 'Since', render: (entry) => <Age at={entry.since} /> },
  ];
  if (admin) {
    cells.push({
      title: 'Release',
      quiet: true,
      align: 'right',
      render: (entry) => (
        <ActionButton
          label="Release"
          size="xs"
          variant="subtle"
          color="brick"
          aria-label={`Release ${entry.address}`}
          run={() => api.del(at`/servers/${entry.server}/proxy`)}
          said={`${entry.server} has released ${entry.address}.`}
          touches={TOUCHES}
          confirm={{ title: `Release ${entry.address}?`, body: `Sessions on it end at once. ${entry.server} is then reached by its other addresses, or as LOGIN@${entry.server}@GATE.`, action: 'Release', danger: true }}
        />
      ),
    });
  }
  return <ShortTable label="Allocations" rows={pool.allocations} cells={cells} id={(entry) => entry.address} empty={{ title: 'No server has an address yet', hint: 'New servers get the first free one.' }} />;
}

function AddRange({ close }: { close: () => void }) {
  const saved = useSaved();
  const of = useApiForm({
    initial: { range: '', interface: '' },
    validate: { range: (range) => (range.trim() === '' ? 'A range is needed.' : null) },
    submit: async (values) => {
      await api.create('/pool/ranges', { range: values.range.trim(), interface: values.interface.trim() || null });
      saved(`${values.range.trim()} is in the pool.`, TOUCHES);
      close();
    },
  });
  return (
    <Form of={of} label="Add a range">
      <Stack gap="sm">
        <TextInput label="Range" placeholder="10.9.0.0/24" required data-autofocus {...of.form.getInputProps('range')} />
        <TextInput label="Interface" description="Where the addresses are on the machine; a note." placeholder="eth1" {...of.form.getInputProps('interface')} />
      </Stack>
      <Submit busy={of.busy} label="Add" cancel={close} />
    </Form>
  );
}

function Assign({ address, close }: { address: string; close: () => void }) {
  const saved = useSaved();
  const of = useApiForm({
    initial: { server: null as string | null, address, until: '' },
    validate: { server: (server) => (server === null ? 'Say to which server.' : null) },
    submit: async (values) => {
      await api.put(at`/servers/${values.server ?? ''}/proxy`, { address: values.address.trim() || null, until: fromInput(values.until) });
      saved(`${values.server} has an address.`, TOUCHES);
      close();
    },
  });
  const { form } = of;
  return (
    <Form of={of} label="Assign an address">
      <Stack gap="sm">
        <Pick kind="server" label="Server" required value={form.getValues().server} onChange={(server) => form.setFieldValue('server', server)} error={form.errors.server} />
        <TextInput label="Address" description="Empty: the first free one." {...form.getInputProps('address')} />
        <TextInput label="Until" description="Empty: for good." type="datetime-local" {...form.getInputProps('until')} />
      </Stack>
      <Submit busy={of.busy} label="Assign" cancel={close} />
    </Form>
  );
}
