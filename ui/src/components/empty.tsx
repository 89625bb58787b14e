import { Group, Stack, Text } from '@mantine/core';

export interface EmptyProps {
  title: string;
  /** What it would hold, and what to do next. */
  hint?: React.ReactNode;
  action?: React.ReactNode;
}

/** Where there is nothing to show. */
export function EmptyState({ title, hint, action }: EmptyProps) {
  return (
    <Stack align="center" gap={6} py={36} px="md">
      <Text fw={600}>{title}</Text>
      {hint !== undefined && (
        <Text c="dimmed" size="sm" ta="center" maw={460}>
          {hint}
        </Text>
      )}
      {action !== undefined && <Group mt="xs">{action}</Group>}
    </Stack>
  );
}
