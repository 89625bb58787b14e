import { ActionIcon, Alert, Box, Button, Chip, Group, Paper, Select, SegmentedControl, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQueries } from '@tanstack/react-query';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { api } from '@/api/client';
import { sentenceOf } from '@/api/problem';
import type { Schedule, SchedulePreview } from '@/api/shapes';
import { Moment } from '../moment';
import { zone } from '../time';
import { Week } from './week';
import { fromWords, MONTHS, toWords, WEEKDAYS } from './words';

interface BuilderProps {
  /** In words, one a schedule. */
  value: string[];
  onChange: (schedules: string[]) => void;
  error?: React.ReactNode;
}

const ZONES: string[] = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')];
const WORKING_HOURS: Schedule = { weekdays: [0, 1, 2, 3, 4], time_start: '08:00', time_end: '16:00' };

/** Recurring windows; one that matches is enough. */
export function ScheduleBuilder({ value, onChange, error }: BuilderProps) {
  const set = (index: number, words: string) => onChange(value.map((other, i) => (i === index ? words : other)));
  return (
    <Stack gap="sm" role="group" aria-label="Schedules">
      {value.map((words, i) => (
        <One key={i} words={words} change={(next) => set(i, next)} remove={() => onChange(value.filter((_, k) => k !== i))} />
      ))}
      {error && (
        <Alert color="brick" role="alert">
          {error}
        </Alert>
      )}
      <Group>
        <Button variant="default" size="xs" leftSection={<IconPlus size={14} />} onClick={() => onChange([...value, toWords({ ...WORKING_HOURS, timezone: zone() })])}>
          {value.length === 0 ? 'Add a schedule' : 'Add another schedule'}
        </Button>
        {value.length === 0 && (
          <Text size="sm" c="dimmed">
            Without one, access is open at any time between start and end.
          </Text>
        )}
      </Group>
      {value.length > 0 && <Outlook schedules={value} />}
    </Stack>
  );
}

function One({ words, change, remove }: { words: string; change: (words: string) => void; remove: () => void }) {
  const schedule = fromWords(words);
  const [typed, setTyped] = useState(schedule === null);
  return (
    <Paper p="sm" radius="md">
      <Group justify="space-between" mb="xs">
        <SegmentedControl
          size="xs"
          aria-label="How to enter it"
          data={[
            { value: 'fields', label: 'Fields', disabled: schedule === null },
            { value: 'words', label: 'Words' },
          ]}
          value={typed || schedule === null ? 'words' : 'fields'}
          onChange={(how) => setTyped(how === 'words')}
        />
        <ActionIcon variant="subtle" color="gray" onClick={remove} aria-label={`Remove the schedule ${words}`}>
          <IconTrash size={16} />
        </ActionIcon>
      </Group>
      {typed || schedule === null ? (
        <TextInput aria-label="The schedule in words" value={words} onChange={(event) => change(event.currentTarget.value)} placeholder="days 1-7 Sat 04:00-08:00 UTC" className="mono" />
      ) : (
        <Fields schedule={schedule} change={(next) => change(toWords(next))} />
      )}
    </Paper>
  );
}

function Fields({ schedule, change }: { schedule: Schedule; change: (schedule: Schedule) => void }) {
  const put = (part: Schedule) => change({ ...schedule, ...part });
  return (
    <Stack gap="xs">
      <Choices label="Weekdays" names={WEEKDAYS} first={0} value={schedule.weekdays ?? []} change={(weekdays) => put({ weekdays })} />
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="xs">
        <TextInput label="From" type="time" value={schedule.time_start ?? ''} onChange={(event) => put({ time_start: event.currentTarget.value })} />
        <TextInput
          label="To"
          type="time"
          value={schedule.time_end === '24:00' ? '00:00' : (schedule.time_end ?? '')}
          onChange={(event) => put({ time_end: event.currentTarget.value === '00:00' ? '24:00' : event.currentTarget.value })}
        />
        <DaysOfMonth value={schedule.days_of_month ?? []} change={(days_of_month) => put({ days_of_month })} />
        <Select label="Time zone" searchable clearable placeholder="the site's" data={ZONES} value={schedule.timezone ?? null} onChange={(timezone) => put({ timezone })} limit={40} />
      </SimpleGrid>
      <Choices label="Months" names={MONTHS} first={1} value={schedule.months ?? []} change={(months) => put({ months })} />
    </Stack>
  );
}

interface ChoicesProps {
  label: string;
  names: readonly string[];
  first: number;
  value: readonly number[];
  change: (value: number[]) => void;
}

function Choices({ label, names, first, value, change }: ChoicesProps) {
  return (
    <Box role="group" aria-label={label}>
      <Text size="sm" fw={500} mb={4}>
        {label}{' '}
        {value.length === 0 && (
          <Text span size="xs" c="dimmed" fw={400}>
            any
          </Text>
        )}
      </Text>
      <Chip.Group multiple value={value.map(String)} onChange={(next) => change(next.map(Number).sort((a, b) => a - b))}>
        <Group gap={4}>
          {names.map((name, i) => (
            <Chip key={name} value={String(i + first)} size="xs" radius="sm">
              {name}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
    </Box>
  );
}

function DaysOfMonth({ value, change }: { value: readonly number[]; change: (days: number[]) => void }) {
  const [text, setText] = useState(() => (value.length === 0 ? '' : toWords({ days_of_month: [...value] }).replace('days ', '')));
  const read = text.trim() === '' ? [] : (fromWords(`days ${text.replace(/\s/g, '')}`)?.days_of_month ?? null);
  return (
    <TextInput
      label="Days of the month"
      placeholder="any, or 1-7,15"
      value={text}
      error={read === null ? 'Days 1 to 31, as in 1-7,15.' : undefined}
      onChange={(event) => {
        const next = event.currentTarget.value;
        setText(next);
        const days = next.trim() === '' ? [] : fromWords(`days ${next.replace(/\s/g, '')}`)?.days_of_month;
        if (days) change(days);
      }}
    />
  );
}

/** The week, what the server understands, and the next windows of each. */
function Outlook({ schedules }: { schedules: string[] }) {
  const [settled] = useDebouncedValue(schedules, 200);
  const asked = useQueries({
    queries: settled.map((words) => ({
      queryKey: ['/schedules/preview', words],
      queryFn: () => api.post<SchedulePreview>('/schedules/preview', { schedule: words, timezone: null }),
      staleTime: 60_000,
      retry: false,
      enabled: words.trim() !== '',
    })),
  });
  const known = schedules.flatMap((words, i) => fromWords(words) ?? asked[i]?.data?.schedule ?? []);
  const bound = known.some((schedule) => schedule.months?.length || schedule.days_of_month?.length);
  const windows = asked.flatMap((answer) => answer.data?.windows ?? []).sort((a, b) => Date.parse(a[0]) - Date.parse(b[0]));
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
      <Box>
        <Week schedules={known} />
        {bound && (
          <Text size="xs" c="dimmed" mt={4}>
            Only in the months and on the days named.
          </Text>
        )}
      </Box>
      <Stack gap={4}>
        {asked.map((answer, i) =>
          answer.isError ? (
            <Text key={i} size="sm" c="var(--mantine-color-error)" role="alert">
              {sentenceOf(answer.error)}
            </Text>
          ) : (
            <Text key={i} size="sm" className="mono">
              {answer.data?.words ?? schedules[i]}
            </Text>
          ),
        )}
        <Text size="sm" fw={600} mt={4}>
          Next windows
        </Text>
        {windows.length === 0 && (
          <Text size="sm" c="dimmed">
            None in sight.
          </Text>
        )}
        {windows.slice(0, 3).map(([from, to]) => (
          <Text key={`${from} ${to}`} size="sm">
            <Moment at={from} /> – <Moment at={to} />
          </Text>
        ))}
      </Stack>
    </SimpleGrid>
  );
}
