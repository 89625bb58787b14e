import '@mantine/spotlight/styles.layer.css';
import { Spotlight, spotlight, type SpotlightActionData, type SpotlightActionGroupData } from '@mantine/spotlight';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { IconClipboardCheck, IconPlayerPlay, IconSearch, IconServer2, IconUser, type Icon } from '@tabler/icons-react';
import { useDebouncedValue } from '@mantine/hooks';
import { useEffect, useState } from 'react';
import { at } from '@/api/client';
import { reading } from '@/api/queries';
import type { PaletteHit, Role } from '@/api/shapes';
import { useGo } from '@/components/link';
import { sectionsFor } from './navigation';

interface Answer {
  items: PaletteHit[];
}

const KINDS: Record<string, { title: string; icon: Icon; to: (hit: PaletteHit) => string }> = {
  user: { title: 'People', icon: IconUser, to: (hit) => at`/people/${hit.label}` },
  server: { title: 'Servers', icon: IconServer2, to: (hit) => at`/servers/${hit.label}` },
  session: { title: 'Sessions', icon: IconPlayerPlay, to: (hit) => at`/sessions/${hit.id}` },
  request: { title: 'Requests', icon: IconClipboardCheck, to: (hit) => at`/requests/${hit.id}` },
};

/** Ctrl-K: pages at once, people, servers and sessions as the server finds them. */
export default function Palette({ role, asks, wanted }: { role: Role; asks: boolean; wanted: number }) {
  useEffect(() => spotlight.open(), [wanted]);
  const [text, setText] = useState('');
  const [settled] = useDebouncedValue(text.trim(), 120);
  const go = useGo();
  const found = useQuery({
    ...reading<Answer | PaletteHit[]>('/palette', { q: settled }),
    enabled: asks && settled.length > 0,
    placeholderData: keepPreviousData,
  });
  const hits = Array.isArray(found.data) ? found.data : (found.data?.items ?? []);
  const actions: SpotlightActionGroupData[] = [{ group: 'Pages', actions: pages(role, text, go) }];
  if (settled !== '') {
    for (const [kind, { title, icon: Symbol, to }] of Object.entries(KINDS)) {
      const ofKind = hits.filter((hit) => hit.kind === kind);
      actions.push({
        group: title,
        actions: ofKind.map((hit) => ({
          id: `${kind}:${hit.id}`,
          label: hit.label,
          description: hit.detail ?? undefined,
          leftSection: <Symbol size={18} stroke={1.5} aria-hidden />,
          onClick: () => go(to(hit)),
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
