import '@mantine/spotlight/styles.layer.css';
import { Spotlight, spotlight, type SpotlightActionData, type SpotlightActionGroupData } from '@mantine/spotlight';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { IconPlayerPlay, IconSearch, IconServer2, IconUser, type Icon } from '@tabler/icons-react';
import { useDebouncedValue } from '@mantine/hooks';
import { useEffect, useState } from 'react';
import { at } from '@/api/client';
import { reading } from '@/api/queries';
import type { Found, Role } from '@/api/shapes';
import { useGo } from '@/components/link';
import { local } from '@/components/time';
import { sectionsFor } from './navigation';

interface Hit {
  id: string;
  label: string;
  detail: string | null;
  to: string;
}

const KINDS: { title: string; icon: Icon; hits: (found: Found) => Hit[] }[] = [
  {
    title: 'People',
    icon: IconUser,
    hits: (found) => found.users.map((user) => ({ id: user.name, label: user.name, detail: user.email, to: at`/people/${user.name}` })),
  },
  {
    title: 'Servers',
    icon: IconServer2,
    hits: (found) => found.servers.map((server) => ({ id: server.name, label: server.name, detail: server.address, to: at`/servers/${server.name}` })),
  },
  {
    title: 'Sessions',
    icon: IconPlayerPlay,
    hits: (found) =>
      found.sessions.map((session) => ({
        id: session.id,
        label: `${session.user} on ${session.server}`,
        detail: `${local(session.started_at)}, ${session.state}`,
        to: at`/sessions/${session.id}`,
      })),
  },
];

/** Ctrl-K: pages at once, people, servers and sessions as the server finds them. */
export default function Palette({ role, asks, wanted }: { role: Role; asks: boolean; wanted: number }) {
  useEffect(() => spotlight.open(), [wanted]);
  const [text, setText] = useState('');
  const [settled] = useDebouncedValue(text.trim(), 120);
  const go = useGo();
  const found = useQuery({ ...reading<Found>('/palette', { q: settled }), enabled: asks && settled.length > 0, placeholderData: keepPreviousData });
  const actions: SpotlightActionGroupData[] = [{ group: 'Pages', actions: pages(role, text, go) }];
  if (settled !== '' && found.data !== undefined) {
    for (const { title, icon: Symbol, hits } of KINDS) {
      actions.push({
        group: title,
        actions: hits(found.data).map((hit) => ({
          id: `${title}:${hit.id}`,
          label: hit.label,
          description: hit.detail ?? undefined,
          leftSection: <Symbol size={18} stroke={1.5} aria-hidden />,
          onClick: () => go(hit.to),
        })),
      });
    }
  }
  return (
    <Spotlight
      actions={actions.filter((group) => group.actions.length > 0)}
      query={text}
      onQueryChange={setText}
      filter={(_, all) => all}
      shortcut={null}
      nothingFound="Nothing with these words."
      highlightQuery
      scrollable
      maxHeight={420}
      searchProps={{ leftSection: <IconSearch size={18} />, placeholder: 'A page, person, server or session', 'aria-label': 'Find' }}
    />
  );
}

function pages(role: Role, text: string, go: (to: string) => void): SpotlightActionData[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return sectionsFor(role)
    .flatMap((section) => section.entries)
    .filter((entry) => words.every((word) => `${entry.label} ${entry.also ?? ''}`.toLowerCase().includes(word)))
    .map((entry) => ({
      id: entry.to,
      label: entry.label,
      leftSection: <entry.icon size={18} stroke={1.5} aria-hidden />,
      onClick: () => go(entry.to),
    }));
}
