import { useSyncExternalStore } from 'react';
import type { Engine, PlayerState } from '../engine';

/** Something of the player's state; drawn again only when it changes. */
export function useEngine<T extends string | number | boolean | null>(engine: Engine, pick: (state: PlayerState) => T): T {
  return useSyncExternalStore(engine.subscribe, () => pick(engine.snapshot()));
}
