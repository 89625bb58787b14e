import { Button, Group, Paper, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useLocation } from '@tanstack/react-router';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useItems } from '@/api/queries';
import { useSession } from '@/api/session';
import type { MyGrant } from '@/api/shapes';
import type { Search } from '@/app/search';
import { ProtocolBadge } from '@/components/badges';
import { Copyable } from '@/components/copy';
import { EmptyState } from '@/components/empty';
import { RouterLink } from '@/components/link';
import { Age, Moment } from '@/components/moment';
import { Page } from '@/components/page';
import { Failure, PageLoading } from '@/shell/states';

/** What the person may reach now, and how. */
export default function MyAccessPage() {
  const session = useSession();
  const asked = useItems<MyGrant>('/me/grants', undefined, { every: 60_000 });
  const search = useLocation({ select: (location) => location.search as Search });
  const [text, setText] = useState(search.text ?? '');
  const wanted = text.trim().toLowerCase();
  const found = asked.items.filter((grant) => `${grant.server} ${grant.address} ${grant.proxy ?? ''}`.toLowerCase().includes(wanted));
  const ask = (
    <Button component={RouterLink} to="/requests/new" leftSection={<IconPlus size={16} />}>
      Ask for access
    </Button>
  );
  return (
    <Page
      title="My access"
      about={
        <>
          {session.user?.full_name ?? session.user?.name}, coming from <span className="mono">{session.source}</span>
        </>
      }
      actions={ask}
    >
      {asked.data === undefined ? (
        asked.isError ? <Failure error={asked.error} retry={() => void asked.refetch()} /> : <PageLoading />
      ) : asked.items.length === 0 ? (
        <Paper radius="md">
          <EmptyState title="You may reach nothing now" hint="Ask for access; whoever decides is told at once." action={ask} />
        </Paper>
      ) : (
        <Stack>
          {asked.items.length > 8 && (
            <TextInput type="search" maw={320} placeholder="Server or address" aria-label="Search" value={text} onChange={(event) => setText(event.currentTarget.value)} />
          )}
          <SimpleGrid cols={{ base: 1, md: 2, xl: 3 }}>
            {found.map((grant) => (
              <Grant key={`${grant.server} ${grant.protocol}`} grant={grant} />
            ))}
          </SimpleGrid>
          {found.length === 0 && <EmptyState title="Nothing with these letters" />}
        </Stack>
      )}
    </Page>
  );
}

function Grant({ grant }: { grant: MyGrant }) {
  return (
    <Paper p="md" radius="md" component="article" aria-label={`${grant.server} by ${grant.protocol}`}>
      <Group justify="space-between" mb={6} wrap="nowrap">
        <Group gap="xs" wrap="nowrap" style={{ minWidth: 0 }}>
          <Text fw={650} truncate>
            {grant.server}
          </Text>
          <ProtocolBadge protocol={grant.protocol} />
        </Group>
        <Text size="sm" c="dimmed" className="nowrap">
          {grant.allowed_until === null ? 'no end' : <>ends <Age at={grant.allowed_until} /></>}
        </Text>
      </Group>
      {grant.command !== null && <Copyable text={grant.command} label="Copy the command" />}
      <Text size="xs" c="dimmed" mt={8}>
        {grant.proxy !== null && (
          <>
            Proxy address <span className="mono">{grant.proxy}</span> ·{' '}
          </>
        )}
        {grant.allowed_until !== null && (
          <>
            until <Moment at={grant.allowed_until} /> ·{' '}
          </>
        )}
        {grant.rights.length > 0 ? `with ${grant.rights.join(', ').replaceAll('_', ' ')}` : 'no forwarding'}
      </Text>
    </Paper>
  );
}
