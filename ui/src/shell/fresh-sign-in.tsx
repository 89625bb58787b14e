import { lazy, Suspense, useSyncExternalStore } from 'react';

const Dialog = lazy(() => import('./fresh-dialog'));
let wanted = false;

let waiting: ((fresh: boolean) => void)[] = [];
const watchers = new Set<() => void>();

/** Asks for the password or second factor again. Requests that wait at the same time share one dialog. */
export function requireFreshSignIn(): Promise<boolean> {
  return new Promise((resolve) => {
    waiting = [...waiting, resolve];
    wanted = true;
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
    <Suspense fallback={null}>{wanted && <Dialog open={open} leave={() => finish(false)} done={() => finish(true)} />}</Suspense>
  );
}
