import { Text, type TextProps } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { age, duration, local, utc, zone } from './time';

/** One clock for everything that ticks, so that a hundred ages cost one timer. */
let now = Date.now();
const watchers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const tell of watchers) tell();
  }, 1_000);
  return () => {
    watchers.delete(watcher);
    if (watchers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** What is derived from the time now; the component is drawn again only when it changes. */
export function useTicking<T extends string | number | boolean>(derive: (now: number) => T): T {
  return useSyncExternalStore(watch, () => derive(now));
}

interface MomentProps extends TextProps {
  /** An instant of the API; null or undefined writes `none`. */
  at: string | null | undefined;
  none?: string;
  /** With seconds. */
  exact?: boolean;
}

/** An instant in the viewer's zone; the exact UTC is in the tooltip. */
export function Moment({ at, none = '–', exact = false, ...rest }: MomentProps) {
  if (!at) return <Text span inherit c="dimmed" {...rest}>{none}</Text>;
  return (
    <Text span inherit className="nowrap" {...rest}>
      <time dateTime={at} data-tip={utc(at)}>
        {local(at, exact)}
      </time>
    </Text>
  );
}

/** How long ago, or in how long; it ticks. */
export function Age({ at, none = '–', ...rest }: Omit<MomentProps, 'exact'>) {
  const words = useTicking((time) => (at ? age(at, time) : none));
  if (!at) return <Text span inherit c="dimmed" {...rest}>{none}</Text>;
  return (
    <Text span inherit className="nowrap" {...rest}>
      <time dateTime={at} data-tip={`${local(at, true)} ${zone()} · ${utc(at)}`}>
        {words}
      </time>
    </Text>
  );
}

/** How long something has lasted, ticking while it has not ended. */
export function Lasting({ since, until, ...rest }: TextProps & { since: string; until: string | null }) {
  const words = useTicking((time) => duration(((until ? Date.parse(until) : time) - Date.parse(since)) / 1000));
  return (
    <Text span inherit className="nowrap" {...rest}>
      {words}
    </Text>
  );
}
