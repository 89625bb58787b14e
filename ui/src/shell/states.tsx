import { Button, Center, Group, Loader, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { Problem, sentenceOf } from '@/api/problem';
import { RouterLink } from '@/components/link';

/** While a page's code or first data are on their way. Says nothing at first: most pages are there at once. */
export function PageLoading() {
  return (
    <Center mih={240} role="status" aria-label="Loading">
      <Loader type="dots" />
    </Center>
  );
}

/** A page or part that could not be read, with what to do. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const absent = error instanceof Problem && error.status === 404;
  return (
    <Stack align="center" gap="xs" py="xl" role="alert">
      <IconAlertTriangle size={28} aria-hidden color="var(--mantine-color-error)" />
      <Title order={2}>{absent ? 'Not here' : 'This could not be read'}</Title>
      <Text c="dimmed" ta="center" maw={520}>
        {sentenceOf(error)}
      </Text>
      {retry && !absent && (
        <Button variant="default" onClick={retry}>
          Try again
        </Button>
      )}
    </Stack>
  );
}

export function PageError({ error, reset }: { error: unknown; reset: () => void }) {
  // Code of another version: after an update of the server the old files are gone.
  const outdated = /dynamically imported module|Importing a module/i.test(sentenceOf(error));
  return <Failure error={outdated ? new Error('The page was updated on the server. Load it again.') : error} retry={outdated ? () => location.reload() : reset} />;
}

export function NotFound() {
  return (
    <Stack align="center" gap="xs" py="xl">
      <Title order={1}>No such page</Title>
      <Text c="dimmed">The address leads nowhere. It may have been mistyped.</Text>
      <Group>
        <Button component={RouterLink} to="/" variant="default">
          To the first page
        </Button>
      </Group>
    </Stack>
  );
}
