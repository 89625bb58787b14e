import { sentenceOf } from '@/api/problem';

type Notice = { title?: string; message: string; color: string; autoClose: number; role?: 'alert' };

let wanted = false;
const watchers = new Set<() => void>();

export const toastsWanted = (): boolean => wanted;

export function watchToasts(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** The library is loaded with the first toast; the page does not wait for it. */
async function show(notice: Notice): Promise<void> {
  const { notifications } = await import('@mantine/notifications');
  notifications.show({ withBorder: true, ...notice });
  if (wanted) return;
  wanted = true;
  for (const watcher of watchers) watcher();
}

/** Something was done. */
export function done(message: string): void {
  void show({ message, color: 'verdigris', autoClose: 5_000 });
}

/** Something was refused or failed. */
export function failed(error: unknown, title?: string): void {
  void show({ title, message: sentenceOf(error), color: 'brick', autoClose: 12_000, role: 'alert' });
}

/** Something happened elsewhere that whoever looks should know. */
export function noticed(title: string, message: string, color = 'brass'): void {
  void show({ title, message, color, autoClose: 15_000 });
}
