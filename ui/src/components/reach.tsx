import { Group, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { at } from '@/api/client';
import { useItems } from '@/api/queries';
import type { Reach, WhoCan } from '@/api/shapes';
import { ProtocolBadge } from './badges';
import { PolicyLinks, ServerLink, UserLink } from './link';
import { Moment } from './moment';
import { Card } from './page';
import { ShortTable } from './rows';
import { fromInput } from './time';

/** What a person can reach, now or at another time. */
export function ReachTable({ user }: { user: string }) {
  const [when, setWhen] = useState('');
  const asked = useItems<Reach>(at`/users/${user}/reach`, { at: fromInput(when) });
  return (
    <Card title="What can this person reach" actions={<At when={when} setWhen={setWhen} />}>
      <ShortTable
        label="Servers within reach"
        busy={asked.isPending}
        error={asked.error}
        retry={() => void asked.refetch()}
        rows={asked.items}
        id={(reach) => `${reach.server} ${reach.protocol}`}
        empty={{ title: 'Nothing', hint: 'No grant in force covers this person then. The explain page says what is missing.' }}
        cells={[
          { title: 'Server', render: (reach) => <ServerLink name={reach.server} /> },
          { title: 'Protocol', render: (reach) => <ProtocolBadge protocol={reach.protocol} /> },
          { title: 'Proxy address', render: (reach) => <span className="mono">{reach.proxy ?? '–'}</span> },
          { title: 'By grant', render: (reach) => <PolicyLinks ids={reach.policies} /> },
          { title: 'Until', render: (reach) => (reach.allowed_until === null ? 'no end' : <Moment at={reach.allowed_until} />) },
        ]}
      />
    </Card>
  );
}

/** Who can reach a server, now or at another time. */
export function WhoCanTable({ server }: { server: string }) {
  const [when, setWhen] = useState('');
  const [protocol, setProtocol] = useState('');
  const asked = useItems<WhoCan>(at`/servers/${server}/who-can`, { at: fromInput(when), protocol });
  return (
    <Card
      title="Who can reach this server"
      actions={
        <>
          <SegmentedControl
            size="xs"
            aria-label="Protocol"
            data={[
              { value: '', label: 'All' },
              { value: 'ssh', label: 'SSH' },
              { value: 'rdp', label: 'RDP' },
            ]}
            value={protocol}
            onChange={setProtocol}
          />
          <At when={when} setWhen={setWhen} />
        </>
      }
    >
      <ShortTable
        label="People who can reach it"
        busy={asked.isPending}
        error={asked.error}
        retry={() => void asked.refetch()}
        rows={asked.items}
        id={(who) => `${who.user} ${who.protocol}`}
        empty={{ title: 'Nobody', hint: 'No grant in force covers this server then.' }}
        cells={[
          { title: 'Person', render: (who) => <UserLink name={who.user} /> },
          { title: 'Protocol', render: (who) => <ProtocolBadge protocol={who.protocol} /> },
          { title: 'From', render: (who) => <span className="mono">{who.sources.join(', ') || '–'}</span> },
          { title: 'By grant', render: (who) => <PolicyLinks ids={who.policies} /> },
          { title: 'Until', render: (who) => (who.allowed_until === null ? 'no end' : <Moment at={who.allowed_until} />) },
        ]}
      />
    </Card>
  );
}

function At({ when, setWhen }: { when: string; setWhen: (text: string) => void }) {
  return (
    <Group gap={6} wrap="nowrap">
      <Text size="xs" c="dimmed" component="label" htmlFor="reach-at">
        {when === '' ? 'Now, or at' : 'At'}
      </Text>
      <TextInput id="reach-at" size="xs" type="datetime-local" value={when} onChange={(event) => setWhen(event.currentTarget.value)} />
    </Group>
  );
}

/** Both questions have their tables; this one is for pages that ask first. */
export function Hint({ children }: { children: React.ReactNode }) {
  return (
    <Stack align="center" py="xl">
      <Text c="dimmed" size="sm">
        {children}
      </Text>
    </Stack>
  );
}
