import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { api, href, type Query } from '@/api/client';
import type { Page } from '@/api/shapes';
import { failed, noticed } from '../toast';

/** A part of a JSON export, and where it stops: the answers are put together in the browser's memory. */
const PART = 500;
const MOST = 10_000;

/** What the filters leave, as a file. CSV comes from the server in one piece. */
export function ExportMenu({ name, path, query }: { name: string; path: string; query: Query }) {
  return (
    <Menu position="bottom-end" width={180}>
      <Menu.Target>
        <Tooltip label="Export">
          <ActionIcon variant="default" size={36} aria-label="Export">
            <IconDownload size={16} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component="a" href={href(path, { ...query, format: 'csv' })} download={`${name}.csv`}>
          CSV
        </Menu.Item>
        <Menu.Item onClick={() => void exportJson(name, path, query)}>JSON</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

async function exportJson(name: string, path: string, query: Query): Promise<void> {
  try {
    const items: unknown[] = [];
    let cursor: string | null = null;
    do {
      const part: Page<unknown> | unknown[] = await api.get(path, { query: { ...query, limit: PART, cursor } });
      items.push(...(Array.isArray(part) ? part : part.items));
      cursor = Array.isArray(part) ? null : part.next;
    } while (cursor !== null && items.length < MOST);
    if (cursor !== null) noticed('The export is cut', `It holds the first ${items.length} rows. Filter further, or export CSV.`);
    save(`${name}.json`, JSON.stringify(items, null, 1));
  } catch (error) {
    failed(error, 'The export failed');
  }
}

function save(file: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
