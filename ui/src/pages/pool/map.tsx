import { Text } from '@mantine/core';
import { useGo } from '@/components/link';
import type { Pool } from '@/api/shapes';
import { addressesOf } from './addresses';
import classes from './map.module.css';

/** Larger ranges are not drawn; the table says what is given. */
const MOST = 1024;

interface MapProps {
  range: string;
  pool: Pool;
  /** A free address was chosen. */
  pick?: (address: string) => void;
}

/** Which addresses of a range are given, and to whom. */
export function AllocationMap({ range, pool, pick }: MapProps) {
  const go = useGo();
  const addresses = addressesOf(range, MOST);
  if (addresses === null) {
    return (
      <Text size="sm" c="dimmed">
        Too large to be drawn.
      </Text>
    );
  }
  const given = new Map(pool.allocations.map((entry) => [entry.address, entry.server]));
  const resting = new Set(pool.quarantine.map((entry) => entry.address));
  const used = addresses.filter((address) => given.has(address)).length;
  return (
    <div>
      <div className={classes.map} role="group" aria-label={`${range}: ${used} of ${addresses.length} addresses given`}>
        {addresses.map((address) => {
          const server = given.get(address);
          const state = server !== undefined ? 'given' : resting.has(address) ? 'quarantine' : 'free';
          const words = server !== undefined ? `${address}: ${server}` : `${address}: ${state === 'free' ? 'free' : 'released lately'}`;
          const click = server !== undefined ? () => go(`/servers/${encodeURIComponent(server)}`) : pick && (() => pick(address));
          if (click === undefined) return <span key={address} className={classes.cell} data-state={state} title={words} />;
          return <button key={address} type="button" className={classes.cell} data-state={state} title={words} aria-label={words} onClick={click} tabIndex={server !== undefined ? 0 : -1} />;
        })}
      </div>
      <div className={classes.legend} aria-hidden>
        <span>
          <span className={classes.cell} data-state="given" />
          {used} given
        </span>
        <span>
          <span className={classes.cell} data-state="quarantine" />
          released lately
        </span>
        <span>
          <span className={classes.cell} />
          free
        </span>
      </div>
    </div>
  );
}
