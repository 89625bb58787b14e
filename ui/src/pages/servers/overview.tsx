import { Button, Group, SimpleGrid, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { api, at } from '@/api/client';
import { useCan } from '@/api/session';
import type { Server } from '@/api/shapes';
import { ActionButton, useAct } from '@/components/action';
import { Form, Submit, useApiForm } from '@/components/form';
import { useGo } from '@/components/link';
import { Moment } from '@/components/moment';
import { Card, Facts } from '@/components/page';
import { useSaved } from '@/components/saved';
import { fromInput } from '@/components/time';
import { ServerFields, serverBody, serverValues, type ServerValues } from './form';

const TOUCHES = ['/servers', '/pool'];

export function Overview({ server, tag }: { server: Server; tag: string | null }) {
  const admin = useCan('admin');
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      {admin ? <Edit server={server} tag={tag} /> : <Shown server={server} />}
      <Stack>
        <ProxyAddress server={server} fixed={!admin} />
        {admin && <Remove server={server} tag={tag} />}
      </Stack>
    </SimpleGrid>
  );
}

function Shown({ server }: { server: Server }) {
  return (
    <Card title="Entry">
      <Facts
        facts={[
          ['Address', <span className="mono">{server.address}</span>],
          ['Services', server.services.map((service) => `${service.protocol}:${service.port}`).join(', ')],
          ['System', server.os],
          ['Description', server.description],
          ['Groups', server.groups.join(', ') || 'none'],
        ]}
      />
    </Card>
  );
}

function Edit({ server, tag }: { server: Server; tag: string | null }) {
  const go = useGo();
  const saved = useSaved();
  const entry = useApiForm<ServerValues & { active: boolean }>({
    initial: { ...serverValues(server), active: server.active },
    submit: async (values) => {
      const after = await api.patch<Server>(at`/servers/${server.name}`, { ...serverBody(values), active: values.active }, { tag });
      saved(`${after.name} is changed.`, TOUCHES);
      if (after.name !== server.name) go(at`/servers/${after.name}`, {}, { replace: true });
    },
  });
  return (
    <Card title="Entry">
      <Form of={entry} label="Entry">
        <ServerFields form={entry.form as never} />
        <Switch mt="sm" label="In use" description="Switched off, running sessions on it end and nobody gets in." {...entry.form.getInputProps('active', { type: 'checkbox' })} />
        <Submit busy={entry.busy} label="Save" disabled={!entry.form.isDirty()} />
      </Form>
    </Card>
  );
}

function ProxyAddress({ server, fixed }: { server: Server; fixed: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <Card
      title="Proxy address"
      actions={
        !fixed && (
          <>
            <Button size="xs" variant="default" onClick={() => setOpen(!open)}>
              Assign
            </Button>
            {server.proxies.length > 0 && (
              <ActionButton
                label="Release"
                size="xs"
                run={() => api.del(at`/servers/${server.name}/proxy`)}
                said={`${server.name} has no proxy address any more.`}
                touches={TOUCHES}
                confirm={{ title: `Release the proxy address of ${server.name}?`, body: 'Sessions on it end at once. It is given to no other server for 30 days, unless it is named.', action: 'Release', danger: true }}
              />
            )}
          </>
        )
      }
    >
      {server.proxies.length === 0 ? (
        <Text size="sm" c="dimmed">
          None. It is reached as LOGIN@{server.name}@GATE.
        </Text>
      ) : (
        <Facts facts={server.proxies.map((proxy) => [proxy.address, proxy.until === null ? 'for good' : <>until <Moment at={proxy.until} /></>] as const)} />
      )}
      {open && <Assign server={server.name} close={() => setOpen(false)} />}
    </Card>
  );
}

function Assign({ server, close }: { server: string; close: () => void }) {
  const saved = useSaved();
  const of = useApiForm({
    initial: { address: '', until: '' },
    submit: async (values) => {
      await api.put(at`/servers/${server}/proxy`, { address: values.address.trim() || null, until: fromInput(values.until) });
      saved(`${server} has a proxy address.`, TOUCHES);
      close();
    },
  });
  return (
    <Form of={of} label="Assign a proxy address">
      <Group mt="sm" align="flex-start" grow>
        <TextInput label="Address" description="Empty: the first free one." placeholder="10.9.0.12" {...of.form.getInputProps('address')} />
        <TextInput label="Until" description="Empty: for good." type="datetime-local" {...of.form.getInputProps('until')} />
      </Group>
      <Submit busy={of.busy} label="Assign" cancel={close} />
    </Form>
  );
}

function Remove({ server, tag }: { server: Server; tag: string | null }) {
  const [act, busy] = useAct();
  const go = useGo();
  return (
    <Card title="Remove">
      <Text size="sm" c="dimmed" mb="sm">
        Removes the entry with its credentials, host keys and grants. Sessions, recordings and the audit book stay.
      </Text>
      <Button
        variant="light"
        color="brick"
        loading={busy}
        onClick={() =>
          void act({
            run: () => api.del(at`/servers/${server.name}`, { tag }),
            said: `${server.name} is removed.`,
            touches: ['/servers', '/policies', '/pool', '/server-groups'],
            confirm: {
              title: `Remove ${server.name}?`,
              body: 'Running sessions on it end at once, and all grants for it are gone. This cannot be undone; switching off can.',
              action: 'Remove',
              danger: true,
            },
            then: () => go('/servers'),
          })
        }
      >
        Remove {server.name}
      </Button>
    </Card>
  );
}
