import { lazy, Suspense, useEffect, useState } from 'react';
import type { Role } from '@/api/shapes';

const Palette = lazy(() => import('./palette'));

const watchers = new Set<() => void>();

/** Opens the palette from a button. */
export function openPalette(): void {
  for (const open of watchers) open();
}

/** Waits for Ctrl-K; the palette's code is loaded when it is first wanted. */
export function PaletteKey({ role, asks }: { role: Role; asks: boolean }) {
  const [wanted, setWanted] = useState(0);
  useEffect(() => {
    const open = () => setWanted((times) => times + 1);
    const pressed = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      open();
    };
    watchers.add(open);
    document.addEventListener('keydown', pressed);
    return () => {
      watchers.delete(open);
      document.removeEventListener('keydown', pressed);
    };
  }, []);
  return <Suspense fallback={null}>{wanted > 0 && <Palette role={role} asks={asks} wanted={wanted} />}</Suspense>;
}
