import { Alert, Button, Modal, Select, Stack, Textarea, TextInput } from '@mantine/core';
import { IconUrgent } from '@tabler/icons-react';
import { useState } from 'react';
import { api, at } from '@/api/client';
import { useCan } from '@/api/session';
import type { AccessRequest, Asked } from '@/api/shapes';
import { Form, Submit, useApiForm } from '@/components/form';
import { useGo } from '@/components/link';
import { Pick } from '@/components/pick';
import { useSaved } from '@/components/saved';

/** What a reason is held to (characters). */
const SHORTEST = 10;

/** Access at once, for whoever has the right: alarmed, short, and reviewed afterwards. */
export function BreakGlass({ server }: { server?: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button variant="light" color="brick" leftSection={<IconUrgent size={16} />} onClick={() => setOpen(true)}>
        Break-glass
      </Button>
      <Modal opened={open} onClose={() => setOpen(false)} title="Break-glass: access at once">
        {open && <Dialog server={server ?? ''} close={() => setOpen(false)} />}
      </Modal>
    </>
  );
}

function Dialog({ server, close }: { server: string; close: () => void }) {
  const seesServers = useCan('auditor');
  const go = useGo();
  const saved = useSaved();
  const of = useApiForm({
    initial: { server, protocol: 'ssh', reason: '' },
    validate: {
      server: (name) => (name.trim() === '' ? 'Say to which server.' : null),
      reason: (text) => (text.trim().length < SHORTEST ? `A reason of ${SHORTEST} characters at least is needed; it is read in the review.` : null),
    },
    submit: async (values) => {
      const opened = await api.create<AccessRequest | Asked>('/break-glass', { server: values.server.trim(), protocol: values.protocol, reason: values.reason.trim() });
      saved('Access is open. It is alarmed and will be reviewed.', ['/requests', '/policies', '/me']);
      close();
      go(at`/requests/${'request' in opened ? opened.request.id : opened.id}`);
    },
  });
  const { form } = of;
  return (
    <Form of={of} label="Break-glass">
      <Stack gap="sm">
        <Alert color="brick">Every administrator is told at once. The access is short, and somebody else reviews it afterwards. Use it where people or systems come to harm otherwise.</Alert>
        {seesServers ? (
          <Pick kind="server" label="Server" required value={form.getValues().server || null} onChange={(name) => form.setFieldValue('server', name ?? '')} error={form.errors.server} />
        ) : (
          <TextInput label="Server" description="Its name or address." required {...form.getInputProps('server')} />
        )}
        <Select label="Protocol" data={[{ value: 'ssh', label: 'SSH' }, { value: 'rdp', label: 'RDP' }]} {...form.getInputProps('protocol')} />
        <Textarea label="Reason" required autosize minRows={2} {...form.getInputProps('reason')} />
      </Stack>
      <Submit busy={of.busy} label="Open access now" danger cancel={close} />
    </Form>
  );
}
