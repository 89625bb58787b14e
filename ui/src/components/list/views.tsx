import { ActionIcon, Button, Group, Menu, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { IconBookmark, IconTrash } from '@tabler/icons-react';
import { api, at } from '@/api/client';
import { useItems } from '@/api/queries';
import { useSession } from '@/api/session';
import type { SavedView } from '@/api/shapes';
import { parseSearch, type Search } from '@/app/search';
import { confirmed } from '../confirm';
import { useGo } from '../link';
import { done, failed } from '../toast';
import { viewQuery, type Filter } from './query';

/** Filters kept under a name, for the person alone. */
export function Views({ list, search, filters }: { list: string; search: Search; filters: readonly Filter[] }) {
  const signedIn = useSession().state === 'signed_in';
  const { items } = useItems<SavedView>('/me/views', undefined, { enabled: signedIn });
  const queries = useQueryClient();
  const go = useGo();
  if (!signedIn) return null;
  const views = items.filter((view) => view.list === list);
  const now = viewQuery(search, filters);
  const change = async (what: Promise<unknown>, said: string) => {
    try {
      await what;
      await queries.invalidateQueries({ queryKey: ['/me/views'] });
      done(said);
    } catch (error) {
      failed(error);
    }
  };
  const save = async () => {
    const name = await confirmed({
      title: 'Save this view',
      body: 'The search, filters and order are kept under a name, for you alone.',
      action: 'Save',
      ask: { label: 'Name', required: true },
    });
    if (name !== null) await change(api.put(at`/me/views/${list}/${name}`, { query: now }), `The view "${name}" is saved.`);
  };
  return (
    <Menu position="bottom-end" width={260}>
      <Menu.Target>
        <Button variant="default" leftSection={<IconBookmark size={15} />}>
          Views
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {views.length === 0 && (
          <Text size="sm" c="dimmed" px="sm" py={6}>
            None saved yet. Set filters, then save them here.
          </Text>
        )}
        {views.map((view) => (
          <Group key={view.name} gap={0} wrap="nowrap">
            <Menu.Item onClick={() => go('.', parseSearch(view.query))} fw={view.query === now ? 650 : undefined}>
              {view.name}
            </Menu.Item>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Delete the view ${view.name}`}
              onClick={() => void change(api.del(at`/me/views/${list}/${view.name}`), `The view "${view.name}" is deleted.`)}
            >
              <IconTrash size={15} />
            </ActionIcon>
          </Group>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => void save()} disabled={now === ''}>
          Save this view…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
