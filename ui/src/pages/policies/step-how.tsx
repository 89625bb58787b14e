import { Accordion, Checkbox, Select, SimpleGrid, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { DurationInput } from '@/components/duration-input';
import { RIGHTS } from '@/components/rights';
import type { StepProps } from './step-who-what';

const AS_CONFIGURED = 'as the configuration says';

/** From where, as whom, with which rights, and what is kept. */
export function StepHow({ form }: StepProps) {
  const { rights, protocol } = form.getValues();
  const shown = RIGHTS.filter((right) => (protocol === 'ssh' ? right.about !== 'RDP' : protocol === 'rdp' ? right.about === 'RDP' : true));
  const forwards = rights.some((right) => right.startsWith('forward') || right === 'remote_public');
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput label="From" description="An address or range. Empty: from any of their addresses." placeholder="10.20.0.0/24" {...form.getInputProps('from')} />
        <TagsInput label="Logins" description="At the server, Enter after each. Empty: any login." placeholder="root" {...form.getInputProps('logins')} />
      </SimpleGrid>
      <Accordion multiple variant="separated" defaultValue={rights.length > 0 ? ['rights'] : []}>
        <Accordion.Item value="rights">
          <Accordion.Control>
            Forwarding and other rights{' '}
            <Text span size="sm" c="dimmed">
              {rights.length === 0 ? 'none' : `${rights.length} given`}
            </Text>
          </Accordion.Control>
          <Accordion.Panel>
            <Checkbox.Group aria-label="Rights" {...form.getInputProps('rights')}>
              <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="xs">
                {shown.map((right) => (
                  <Checkbox key={right.value} value={right.value} label={right.label} description={right.about} />
                ))}
              </SimpleGrid>
            </Checkbox.Group>
            {forwards && (
              <SimpleGrid cols={{ base: 1, sm: 2 }} mt="md">
                <TagsInput label="Allowed destinations" description="Addresses, ranges, names or globs, with ports: db:5432, 10.0.0.0/8, *.lan:80-443. Empty: any." {...form.getInputProps('destinations')} />
                <TagsInput label="Blocked ports" description="Ports or ranges: 25, 6000-6010." {...form.getInputProps('blocked_ports')} />
              </SimpleGrid>
            )}
          </Accordion.Panel>
        </Accordion.Item>
        <Accordion.Item value="session">
          <Accordion.Control>Length and recording of sessions</Accordion.Control>
          <Accordion.Panel>
            <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
              <DurationInput label="Idle" fromNow={false} description="A session ends after this long without anything passing." placeholder="15m" {...form.getInputProps('idle')} />
              <DurationInput label="Longest session" fromNow={false} description="A session ends after this long." placeholder="8h" {...form.getInputProps('max_length')} />
              <Choice label="If it cannot be recorded" name="record_mode" options={{ strict: 'no session', best_effort: 'go on without' }} form={form} />
              <Choice label="Long binary runs" name="record_binary" options={{ digest: 'time, length and digest', full: 'kept whole', refuse: 'refused' }} form={form} />
              <Choice label="Typed input" name="record_input" options={{ echoed: 'what the screen repeats', all: 'all, passwords too', none: 'nothing' }} form={form} />
              <Choice label="What goes through forwards" name="record_forwards" options={{ on: 'kept', off: 'not kept' }} form={form} />
            </SimpleGrid>
          </Accordion.Panel>
        </Accordion.Item>
      </Accordion>
    </Stack>
  );
}

interface ChoiceProps extends StepProps {
  label: string;
  name: 'record_mode' | 'record_binary' | 'record_input' | 'record_forwards';
  options: Record<string, string>;
}

function Choice({ label, name, options, form }: ChoiceProps) {
  return (
    <Select
      label={label}
      clearable
      placeholder={AS_CONFIGURED}
      data={Object.entries(options).map(([value, words]) => ({ value, label: `${value}: ${words}` }))}
      {...form.getInputProps(name)}
    />
  );
}
