import { useEffect, useMemo, useRef } from 'react';
import { clock } from '@/components/time';
import { readKeys } from '../keys';
import type { Playback } from '../playback';
import classes from './player.module.css';
import { useEngine } from './use-engine';

/** Inputs shown, at most. */
const MOST = 160;

/** What was typed up to the position, apart from what it did. */
export function TypedStrip({ playback: { engine, log } }: { playback: Playback }) {
  const events = useEngine(engine, ({ position }) => log.after(position));
  const strip = useRef<HTMLDivElement>(null);
  const typed = useMemo(() => (events === 0 ? [] : log.typedUntil(log.time(events - 1), MOST)), [log, events]);
  useEffect(() => {
    if (strip.current) strip.current.scrollLeft = strip.current.scrollWidth;
  }, [typed]);
  return (
    <div ref={strip} className={classes.typed} role="log" aria-label="Typed input" tabIndex={0}>
      {typed.length === 0 && <span className={classes.nothing}>Nothing was typed up to here, or typing was not recorded.</span>}
      {typed.map(([t, , text], i) => (
        <span key={`${t}-${i}`} title={clock(t)} data-last={i === typed.length - 1} className={classes.input}>
          {readKeys(text).map(({ kind, text: shown }, at) => (kind === 'key' ? <kbd key={at}>{shown}</kbd> : <span key={at}>{shown}</span>))}
        </span>
      ))}
    </div>
  );
}
