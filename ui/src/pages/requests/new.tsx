import { Autocomplete, SegmentedControl, Select, SimpleGrid, Stack, Textarea, TextInput } from '@mantine/core';
import { useLocation } from '@tanstack/react-router';
import { api, at } from '@/api/client';
import { useItems } from '@/api/queries';
import { useCan, useSession } from '@/api/session';
import type { AccessRequest, Asked, MyGrant } from '@/api/shapes';
import type { Search } from '@/app/search';
import { DurationInput } from '@/components/duration-input';
import { Form, Submit, useApiForm } from '@/components/form';
import { useGo } from '@/components/link';
import { Card, Page } from '@/components/page';
import { Pick } from '@/components/pick';
import { useSaved } from '@/components/saved';

type Values = { kind: 'access' | 'address'; server: string; protocol: string; login: string; for: string; reason: string; address: string };

function requestBody(values: Values): Record<string, unknown> {
  const reason = values.reason.trim() || null;
  if (values.kind === 'address') return { kind: 'address', address: values.address.trim(), reason };
  return { kind: 'access', server: values.server.trim(), protocol: values.protocol, login: values.login.trim() || null, for: values.for.trim() || null, reason };
}

export default function NewRequestPage() {
  const search = useLocation({ select: (location) => location.search as Search });
  const session = useSession();
  const go = useGo();
  const saved = useSaved();
  const of = useApiForm<Values>({
    initial: {
      kind: search.kind === 'address' ? 'address' : 'access',
      server: search.server ?? '',
      protocol: search.protocol === 'rdp' ? 'rdp' : 'ssh',
      login: search.login ?? '',
      for: search.for ?? '',
      reason: search.reason ?? '',
      address: search.address ?? session.source,
    },
    validate: {
      server: (name, { kind }) => (kind === 'access' && name.trim() === '' ? 'Say to which server.' : null),
      address: (text, { kind }) => (kind === 'address' && text.trim() === '' ? 'Say which address.' : null),
    },
    submit: async (values) => {
      const asked = await api.create<AccessRequest | Asked>('/requests', requestBody(values));
      const request = 'request' in asked ? asked.request : asked;
      saved(request.state === 'approved' ? `Request #${request.id} is approved already.` : `Request #${request.id} is sent.`, ['/requests', '/me']);
      go(at`/requests/${request.id}`);
    },
  });
  const { form } = of;
  const access = form.getValues().kind === 'access';
  return (
    <Page title="Ask for access" above={[{ label: 'Requests', to: '/requests' }]}>
      <Card style={{ maxWidth: 720 }}>
        <Form of={of} label="Ask for access">
          <Stack>
            <SegmentedControl
              aria-label="What for"
              data={[
                { value: 'access', label: 'Access to a server' },
                { value: 'address', label: 'An address of mine to be known' },
              ]}
              {...form.getInputProps('kind')}
            />
            {access ? (
              <SimpleGrid cols={{ base: 1, sm: 2 }}>
                <ServerField value={form.getValues().server} change={(name) => form.setFieldValue('server', name)} error={form.errors.server} />
                <Select label="Protocol" data={[{ value: 'ssh', label: 'SSH' }, { value: 'rdp', label: 'RDP' }]} {...form.getInputProps('protocol')} />
                <DurationInput label="For how long" description="Empty: whoever decides says." {...form.getInputProps('for')} />
                <TextInput label="Login" description="At the server. Empty: any." {...form.getInputProps('login')} />
              </SimpleGrid>
            ) : (
              <TextInput label="Address" description="One address, which is yours afterwards." {...form.getInputProps('address')} />
            )}
            <Textarea label="Reason" description="What you need it for; whoever decides reads it." autosize minRows={2} {...form.getInputProps('reason')} />
          </Stack>
          <Submit busy={of.busy} label="Ask" cancel={() => go('/requests')} />
        </Form>
      </Card>
    </Page>
  );
}

/** Whoever sees the directory picks; a plain user types a name, helped by what they know already. */
function ServerField({ value, change, error }: { value: string; change: (name: string) => void; error: React.ReactNode }) {
  const auditor = useCan('auditor');
  const grants = useItems<MyGrant>('/me/grants', undefined, { enabled: !auditor });
  if (auditor) return <Pick kind="server" label="Server" required value={value || null} onChange={(name) => change(name ?? '')} error={error} />;
  return <Autocomplete label="Server" description="Its name or address." required data={[...new Set(grants.items.map((grant) => grant.server))]} value={value} onChange={change} error={error} />;
}
