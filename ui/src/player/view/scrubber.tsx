import { useMemo, useRef, useState } from 'react';
import { clock, duration } from '@/components/time';
import { markNear, type Mark } from '../marks';
import type { Playback } from '../playback';
import { heatFrom, heatOf, Scale, type DrawnGap } from '../scale';
import classes from './player.module.css';
import { useEngine } from './use-engine';

interface ScrubberProps {
  playback: Playback;
  /** In order. */
  marks: readonly Mark[];
  /** When how much happened, as the server tells it, and which stretch that is about. */
  activity: { begin: number; end: number; parts: readonly number[] } | null;
  loadedUntil: number;
  gapCount: number;
}

/** A mark is met within so much of the width. */
const REACH = 0.007;
/** Bars of the heat map. */
const BARS = 160;
/** The heat of what grows is counted again after so much (s). */
const COUNTED_AGAIN = 5;

/** Where the position stands in the whole; what happened when; and the way to go there. */
export function Scrubber({ playback, marks, activity, loadedUntil, gapCount }: ScrubberProps) {
  const { engine } = playback;
  const scale = useScale(playback, gapCount);
  const track = useRef<HTMLDivElement>(null);
  const [hover, setHover] = useState<number | null>(null);
  const partAt = (x: number) => {
    const box = track.current?.getBoundingClientRect();
    return box === undefined || box.width === 0 ? 0 : Math.max(0, Math.min(1, (x - box.left) / box.width));
  };
  // Nearness is what the eye sees: a part of the width.
  const drawn = useMemo(() => marks.map((mark) => ({ ...mark, part: scale.part(mark.t) })), [marks, scale]);
  const near = (part: number) => {
    const found = markNear(drawn.map((mark) => ({ ...mark, t: mark.part })), part, REACH);
    return found === null ? null : (drawn.find((mark) => mark.part === found.t && mark.text === found.text) ?? null);
  };
  const go = (event: React.PointerEvent) => {
    const part = partAt(event.clientX);
    engine.seek((event.type === 'pointerdown' ? near(part)?.t : undefined) ?? scale.time(part));
  };
  return (
    <div
      className={classes.scrubber}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        go(event);
      }}
      onPointerMove={(event) => {
        setHover(partAt(event.clientX));
        if (event.buttons === 1 && event.currentTarget.hasPointerCapture(event.pointerId)) go(event);
      }}
      onPointerLeave={() => setHover(null)}
    >
      <div ref={track} className={classes.track}>
        <Heat playback={playback} scale={scale} activity={activity} />
        {scale.gaps.map((gap) => (
          <span key={gap.from} className={classes.gap} style={{ left: percent(gap.left), width: percent(gap.width) }} />
        ))}
        <div className={classes.unloaded} style={{ left: percent(scale.part(loadedUntil)) }} hidden={playback.log.caughtUp} />
        {drawn.map((mark, i) => (
          <span key={i} className={classes.mark} data-kind={mark.kind} style={{ left: percent(mark.part) }} />
        ))}
        <Thumb playback={playback} scale={scale} />
      </div>
      {hover !== null && <Hover part={hover} scale={scale} mark={near(hover)} gap={scale.gaps.find(({ left, width }) => left <= hover && hover <= left + width)} />}
    </div>
  );
}

const percent = (part: number) => `${part * 100}%`;

/** Even in time, or with what is passed over shortened. */
function useScale({ engine, log }: Playback, gapCount: number): Scale {
  const begin = useEngine(engine, (state) => Math.floor(state.begin * 10) / 10);
  const end = useEngine(engine, (state) => Math.ceil(state.end));
  const maxIdle = useEngine(engine, (state) => state.maxIdle);
  const running = useEngine(engine, (state) => state.running);
  return useMemo(() => {
    const last = Math.max(begin + 1, end);
    if (maxIdle === null) return new Scale(begin, last, []);
    const gaps = log.gaps.filter(({ from, to }) => to - from > maxIdle);
    // A session that runs may be silent now.
    if (running && log.caughtUp && last - log.end > maxIdle) gaps.push({ from: log.end, to: last });
    return new Scale(begin, last, gaps);
  }, [log, begin, end, maxIdle, running, gapCount]);
}

function Thumb({ playback: { engine }, scale }: { playback: Playback; scale: Scale }) {
  const part = useEngine(engine, ({ position }) => Math.round(scale.part(position) * 4_000) / 4_000);
  const second = useEngine(engine, ({ position }) => Math.floor(position));
  return (
    <>
      <div className={classes.past} style={{ width: percent(part) }} />
      <div
        className={classes.thumb}
        style={{ left: percent(part) }}
        role="slider"
        tabIndex={0}
        aria-label="Position"
        aria-valuemin={Math.floor(scale.begin)}
        aria-valuemax={Math.ceil(scale.end)}
        aria-valuenow={second}
        aria-valuetext={clock(second)}
      />
    </>
  );
}

/** As high as the root of what happened: a flood must not flatten all else. */
function Heat({ playback: { log }, scale, activity }: { playback: Playback; scale: Scale; activity: ScrubberProps['activity'] }) {
  const again = Math.floor(log.end / COUNTED_AGAIN);
  const bars = useMemo(() => {
    const heat = log.caughtUp ? heatOf(log, scale, BARS) : activity === null ? [] : heatFrom(activity.parts, activity.begin, activity.end, scale, BARS);
    const most = Math.sqrt(Math.max(1, ...heat));
    return heat.map((bytes) => (bytes <= 0 ? 0 : Math.max(6, (Math.sqrt(bytes) / most) * 100)));
  }, [log, log.caughtUp, again, activity, scale.gaps.length, Math.floor(scale.end / COUNTED_AGAIN)]);
  return (
    <svg className={classes.heat} viewBox={`0 0 ${BARS} 100`} preserveAspectRatio="none" aria-hidden>
      {bars.map((height, i) => height > 0 && <rect key={i} x={i + 0.08} width={0.84} y={100 - height} height={height} />)}
    </svg>
  );
}

function Hover({ part, scale, mark, gap }: { part: number; scale: Scale; mark: Mark | null; gap: DrawnGap | undefined }) {
  return (
    <div className={classes.hover} style={{ '--at': percent(part) } as React.CSSProperties} aria-hidden>
      <b>{clock(mark?.t ?? scale.time(part))}</b>
      {mark !== null && (
        <span className={classes.hoverMark}>
          <i className={classes.dot} data-kind={mark.kind} />
          {mark.text}
        </span>
      )}
      {mark === null && gap !== undefined && <span className={classes.hoverMark}>nothing for {duration(gap.to - gap.from)}</span>}
    </div>
  );
}
