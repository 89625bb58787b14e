import { Divider, Group, SegmentedControl, SimpleGrid, Stack, Switch, Text, TextInput } from '@mantine/core';
import { DurationInput } from '@/components/duration-input';
import { ScheduleBuilder } from '@/components/schedule/builder';
import { zone } from '@/components/time';
import type { StepProps } from './step-who-what';
import type { GrantValues } from './values';

export function StepWhen({ form }: StepProps) {
  const { whenKind, schedules } = form.getValues();
  return (
    <Stack>
      <Stack maw={620}>
        <SegmentedControl
          aria-label="How long"
          data={[
            { value: 'for', label: 'For a while' },
            { value: 'between', label: 'Until a date' },
            { value: 'permanent', label: 'No end' },
          ]}
          value={whenKind}
          onChange={(kind) => form.setFieldValue('whenKind', kind as GrantValues['whenKind'])}
        />
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          {whenKind === 'for' && <DurationInput label="For how long" required fromNow={form.getValues().start === ''} autoFocus {...form.getInputProps('for')} />}
          <TextInput label="Start" description="Empty: now." type="datetime-local" {...form.getInputProps('start')} />
          {whenKind === 'between' && <TextInput label="End" required type="datetime-local" {...form.getInputProps('end')} />}
        </SimpleGrid>
        <Text size="xs" c="dimmed">
          Times are those of {zone()}.
        </Text>
      </Stack>
      <Divider />
      <Group justify="space-between">
        <Text fw={600}>Schedules</Text>
        {schedules.length > 0 && <Switch label="They count" {...form.getInputProps('use_schedules', { type: 'checkbox' })} />}
      </Group>
      <ScheduleBuilder value={schedules} onChange={(next) => form.setFieldValue('schedules', next)} error={form.errors.schedules} />
    </Stack>
  );
}
