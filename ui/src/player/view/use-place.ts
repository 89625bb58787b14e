import { useEffect, useRef } from 'react';
import type { Place } from '../place';
import type { Playback } from '../playback';

/** The address follows a position that stands still soon, and one that moves now and then (ms). */
const SOON = 300;
const NOW_AND_THEN = 5_000;

/** Keeps the address at the position, and the position at an address that somebody went to. */
export function usePlace(playback: Playback, channel: number, place: Place, onPlace: (place: Place) => void): void {
  const written = useRef<number | null>(place.t);
  const tell = useRef(onPlace);
  tell.current = onPlace;
  useEffect(() => {
    const { engine } = playback;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let moving = false;
    const write = () => {
      timer = undefined;
      const { live, position, begin, playing } = engine.snapshot();
      const atRest = !playing && position <= begin;
      const t = live || atRest ? null : Math.ceil(position * 1000 - 1e-6) / 1000;
      if (t === written.current) return;
      written.current = t;
      tell.current({ t, channel });
    };
    let before = engine.snapshot();
    const stop = engine.subscribe(() => {
      const now = engine.snapshot();
      // Of a session that runs the end moves all the time.
      if (now.position === before.position && now.playing === before.playing && now.live === before.live) return;
      if (now.live && before.live) return;
      before = now;
      if (timer !== undefined && moving === now.playing) return;
      clearTimeout(timer);
      moving = now.playing;
      timer = setTimeout(write, moving ? NOW_AND_THEN : SOON);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [playback, channel]);
  useEffect(() => {
    if (place.t === written.current) return;
    written.current = place.t;
    if (place.t !== null) playback.engine.seek(place.t);
  }, [playback, place.t]);
}
