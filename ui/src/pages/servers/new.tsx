import { Radio, Group, TextInput } from '@mantine/core';
import { api, at } from '@/api/client';
import type { Server } from '@/api/shapes';
import { Form, Submit, useApiForm } from '@/components/form';
import { useGo } from '@/components/link';
import { Card, Page } from '@/components/page';
import { done } from '@/components/toast';
import { NEW_SERVER, ServerFields, serverBody, type ServerValues } from './form';

type NewServer = ServerValues & { proxyKind: string; proxy: string };

export default function NewServerPage() {
  const go = useGo();
  const server = useApiForm<NewServer>({
    initial: { ...NEW_SERVER, proxyKind: 'auto', proxy: '' },
    validate: {
      name: (name) => (name.trim() === '' ? 'A name is needed.' : null),
      address: (address) => (address.trim() === '' ? 'An address is needed.' : null),
      proxy: (proxy, { proxyKind }) => (proxyKind === 'named' && proxy.trim() === '' ? 'Name an address of the pool.' : null),
    },
    submit: async ({ proxyKind, proxy, ...values }) => {
      const made = await api.create<Server>('/servers', { ...serverBody(values), proxy: proxyKind === 'named' ? proxy.trim() : proxyKind });
      done(`${made.name} is entered.`);
      go(at`/servers/${made.name}`);
    },
  });
  const { form } = server;
  return (
    <Page title="New server" above={[{ label: 'Servers', to: '/servers' }]}>
      <Card style={{ maxWidth: 820 }}>
        <Form of={server} label="New server">
          <ServerFields form={form as never} />
          <Radio.Group mt="md" label="Proxy address" description="Connecting to it means: connect to this server." {...form.getInputProps('proxyKind')}>
            <Group mt={6}>
              <Radio value="auto" label="The first free one" />
              <Radio value="named" label="This one" />
              <Radio value="none" label="None: reached as LOGIN@NAME@GATE" />
            </Group>
          </Radio.Group>
          {form.getValues().proxyKind === 'named' && <TextInput mt="xs" maw={260} aria-label="Proxy address" placeholder="10.9.0.12" {...form.getInputProps('proxy')} />}
          <Submit busy={server.busy} label="Add the server" cancel={() => go('/servers')} />
        </Form>
      </Card>
    </Page>
  );
}
