import { Modal } from '@mantine/core';
import { lazy, Suspense, useSyncExternalStore } from 'react';

const Dialog = lazy(() => import('@/pages/sign-in/confirm'));

let waiting: ((fresh: boolean) => void)[] = [];
const watchers = new Set<() => void>();

/** Asks for the password or second factor again. Requests that wait at the same time share one dialog. */
export function requireFreshSignIn(): Promise<boolean> {
  return new Promise((resolve) => {
    waiting = [...waiting, resolve];
    tell();
  });
}

function tell(): void {
  for (const watcher of watchers) watcher();
}

function finish(fresh: boolean): void {
  const all = waiting;
  waiting = [];
  tell();
  for (const resolve of all) resolve(fresh);
}

export function FreshSignIn() {
  const open = useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => waiting.length > 0,
  );
  return (
    <Modal opened={open} onClose={() => finish(false)} title="Confirm that it is you" zIndex={400} size="sm">
      <Suspense fallback={null}>{open && <Dialog done={() => finish(true)} />}</Suspense>
    </Modal>
  );
}
