import { ActionIcon, Button, Checkbox, Group, NumberInput, Select, SimpleGrid, Stack, Text, TextInput, Textarea } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { IconTrash } from '@tabler/icons-react';
import type { Protocol, Server, Service } from '@/api/shapes';

export type ServerValues = {
  name: string;
  address: string;
  os: string | null;
  description: string;
  services: Service[];
  legacy_algorithms: boolean;
};

export const NEW_SERVER: ServerValues = { name: '', address: '', os: 'linux', description: '', services: [{ protocol: 'ssh', port: 22 }], legacy_algorithms: false };

export function serverValues(server: Server): ServerValues {
  return {
    name: server.name,
    address: server.address,
    os: server.os,
    description: server.description ?? '',
    services: server.services,
    legacy_algorithms: server.legacy_algorithms === 'on',
  };
}

/** What the API takes of them. */
export function serverBody(values: ServerValues) {
  return {
    name: values.name.trim(),
    address: values.address.trim(),
    os: values.os,
    description: values.description.trim() || null,
    services: values.services,
    legacy_algorithms: values.legacy_algorithms ? 'on' : 'off',
  };
}

const PORTS: Record<Protocol, number> = { ssh: 22, rdp: 3389 };

export function ServerFields({ form }: { form: UseFormReturnType<ServerValues> }) {
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput label="Name" required {...form.getInputProps('name')} />
        <TextInput label="Address" description="Address or host name; a name is looked up at each connection." required {...form.getInputProps('address')} />
        <Select label="System" clearable data={['linux', 'windows', 'other']} {...form.getInputProps('os')} />
        <Textarea label="Description" autosize minRows={1} {...form.getInputProps('description')} />
      </SimpleGrid>
      <Services form={form} />
      <Checkbox
        label="May be spoken to with outdated algorithms (SHA-1, CBC)"
        description="Only for machines that cannot be updated."
        {...form.getInputProps('legacy_algorithms', { type: 'checkbox' })}
      />
    </Stack>
  );
}

function Services({ form }: { form: UseFormReturnType<ServerValues> }) {
  const { services } = form.getValues();
  const set = (next: Service[]) => form.setFieldValue('services', next as never);
  const free = (['ssh', 'rdp'] as const).filter((protocol) => !services.some((service) => service.protocol === protocol));
  return (
    <Stack gap={6} role="group" aria-label="Services">
      <Text size="sm" fw={500}>
        Services
      </Text>
      {services.map((service, i) => (
        <Group key={service.protocol} gap="xs">
          <Text size="sm" w={44} className="mono">
            {service.protocol}
          </Text>
          <NumberInput
            aria-label={`Port of ${service.protocol}`}
            value={service.port}
            min={1}
            max={65535}
            hideControls
            w={110}
            onChange={(port) => set(services.map((other, k) => (k === i ? { ...other, port: Number(port) } : other)))}
          />
          <ActionIcon variant="subtle" color="gray" aria-label={`Take ${service.protocol} away`} onClick={() => set(services.filter((_, k) => k !== i))}>
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ))}
      <Group gap="xs">
        {free.map((protocol) => (
          <Button key={protocol} size="xs" variant="default" onClick={() => set([...services, { protocol, port: PORTS[protocol] }])}>
            Offer {protocol.toUpperCase()}
          </Button>
        ))}
      </Group>
      {form.errors.services && (
        <Text size="xs" c="var(--mantine-color-error)" role="alert">
          {form.errors.services}
        </Text>
      )}
    </Stack>
  );
}
