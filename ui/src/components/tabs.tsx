import { Tabs } from '@mantine/core';
import { useLocation, useNavigate } from '@tanstack/react-router';
import type { Search } from '@/app/search';

export interface Tab {
  id: string;
  label: string;
  /** How many things it holds. */
  count?: number;
  render: () => React.ReactNode;
}

/** Parts of a page; which one is shown stands in the address. */
export function PageTabs({ tabs, label }: { tabs: readonly Tab[]; label: string }) {
  const search = useLocation({ select: (location) => location.search as Search });
  const navigate = useNavigate();
  const shown = tabs.find((tab) => tab.id === search.tab) ?? tabs[0];
  if (shown === undefined) return null;
  return (
    <Tabs
      value={shown.id}
      onChange={(tab) => void navigate({ to: '.', search: { ...(tab === tabs[0]?.id ? {} : { tab }) } as never, replace: true, resetScroll: false })}
      keepMounted={false}
    >
      <Tabs.List aria-label={label} mb="md" style={{ flexWrap: 'nowrap', overflowX: 'auto', overflowY: 'hidden' }}>
        {tabs.map((tab) => (
          <Tabs.Tab key={tab.id} value={tab.id} style={{ whiteSpace: 'nowrap' }}>
            {tab.label}
            {tab.count !== undefined && tab.count > 0 ? ` ${tab.count}` : ''}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value={shown.id}>{shown.render()}</Tabs.Panel>
    </Tabs>
  );
}
