import { lazy, Suspense, useSyncExternalStore } from 'react';

export interface Asking {
  title: string;
  /** What will be true afterwards, and what cannot be undone. */
  body: React.ReactNode;
  /** The verb on the button. */
  action: string;
  danger?: boolean;
  /** Asks for a text as well, such as a reason or a duration. */
  ask?: { label: string; placeholder?: string; initial?: string; required?: boolean; hint?: string };
}

const Dialog = lazy(() => import('./confirm-dialog'));

export interface Open extends Asking {
  answer: (given: string | null) => void;
}

let open: Open | null = null;
let wanted = false;
const watchers = new Set<() => void>();

function become(next: Open | null): void {
  open = next;
  wanted = true;
  for (const tell of watchers) tell();
}

/** Asks before something is done. Resolves to the text asked for (empty if none was), or null when it was left. */
export function confirmed(asking: Asking): Promise<string | null> {
  open?.answer(null);
  return new Promise((answer) => become({ ...asking, answer }));
}

/** Where the question appears; once in the page. Its code is loaded with the first question. */
export function ConfirmHost() {
  const asking = useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => open,
  );
  const leave = (given: string | null) => {
    asking?.answer(given);
    become(null);
  };
  return <Suspense fallback={null}>{wanted && <Dialog asking={asking} leave={leave} />}</Suspense>;
}
