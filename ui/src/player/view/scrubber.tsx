import { useMemo, useRef, useState } from 'react';
import { clock, duration } from '@/components/time';
import type { Gap } from '../log';
import { markNear, type Mark } from '../marks';
import type { Playback } from '../playback';
import classes from './player.module.css';
import { useEngine } from './use-engine';

interface ScrubberProps {
  playback: Playback;
  /** In order. */
  marks: readonly Mark[];
  /** When how much happened, and which stretch that is about. */
  activity: { begin: number; end: number; parts: readonly number[] } | null;
  gaps: readonly Gap[];
  loadedUntil: number;
}

/** A mark is met within so much of the width. */
const REACH = 0.006;

/** Where the position stands in the whole; what happened when; and the way to go there. */
export function Scrubber({ playback, marks, activity, gaps, loadedUntil }: ScrubberProps) {
  const { engine } = playback;
  const begin = useEngine(engine, (state) => Math.floor(state.begin * 10) / 10);
  const end = useEngine(engine, (state) => Math.ceil(state.end));
  const length = Math.max(1, end - begin);
  const track = useRef<HTMLDivElement>(null);
  const [hover, setHover] = useState<number | null>(null);
  const timeAt = (x: number) => {
    const box = track.current?.getBoundingClientRect();
    return box === undefined || box.width === 0 ? begin : begin + Math.max(0, Math.min(1, (x - box.left) / box.width)) * length;
  };
  const go = (event: React.PointerEvent) => {
    const t = timeAt(event.clientX);
    engine.seek(event.type === 'pointerdown' ? (markNear(marks, t, length * REACH)?.t ?? t) : t);
  };
  const left = (t: number) => `${Math.max(0, Math.min(100, ((t - begin) / length) * 100))}%`;
  return (
    <div
      className={classes.scrubber}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        go(event);
      }}
      onPointerMove={(event) => {
        setHover(timeAt(event.clientX));
        if (event.buttons === 1 && event.currentTarget.hasPointerCapture(event.pointerId)) go(event);
      }}
      onPointerLeave={() => setHover(null)}
    >
      <div ref={track} className={classes.track}>
        <Heat activity={activity} left={left} />
        <Gaps gaps={gaps} left={left} least={length * REACH} />
        <div className={classes.unloaded} style={{ left: left(loadedUntil) }} hidden={playback.log.caughtUp} />
        {marks.map((mark, i) => (
          <span key={i} className={classes.mark} data-kind={mark.kind} style={{ left: left(mark.t) }} />
        ))}
        <Thumb playback={playback} begin={begin} length={length} />
      </div>
      {hover !== null && <Hover t={hover} left={left(hover)} mark={markNear(marks, hover, length * REACH)} gap={gaps.find(({ from, to }) => from < hover && hover < to)} />}
    </div>
  );
}

function Thumb({ playback: { engine }, begin, length }: { playback: Playback; begin: number; length: number }) {
  const part = useEngine(engine, ({ position }) => Math.round(Math.max(0, Math.min(1, (position - begin) / length)) * 2_000) / 2_000);
  const second = useEngine(engine, ({ position }) => Math.floor(position));
  return (
    <>
      <div className={classes.past} style={{ width: `${part * 100}%` }} />
      <div
        className={classes.thumb}
        style={{ left: `${part * 100}%` }}
        role="slider"
        tabIndex={0}
        aria-label="Position"
        aria-valuemin={Math.floor(begin)}
        aria-valuemax={Math.ceil(begin + length)}
        aria-valuenow={second}
        aria-valuetext={clock(second)}
      />
    </>
  );
}

/** Parts of the activity, as high as the root of what happened: a flood must not flatten all else. */
function Heat({ activity, left }: { activity: ScrubberProps['activity']; left: (t: number) => string }) {
  const bars = useMemo(() => {
    const parts = activity?.parts ?? [];
    const most = Math.sqrt(Math.max(1, ...parts));
    return parts.map((part) => (part <= 0 ? 0 : Math.max(6, (Math.sqrt(part) / most) * 100)));
  }, [activity?.parts]);
  if (activity === null || bars.length === 0) return null;
  const from = parseFloat(left(activity.begin));
  return (
    <svg
      className={classes.heat}
      viewBox={`0 0 ${bars.length} 100`}
      preserveAspectRatio="none"
      style={{ left: `${from}%`, width: `${parseFloat(left(activity.end)) - from}%` }}
      aria-hidden
    >
      {bars.map((height, i) => height > 0 && <rect key={i} x={i + 0.08} width={0.84} y={100 - height} height={height} />)}
    </svg>
  );
}

function Gaps({ gaps, left, least }: { gaps: readonly Gap[]; left: (t: number) => string; least: number }) {
  return gaps
    .filter(({ from, to }) => to - from >= least)
    .map(({ from, to }) => (
      <span key={from} className={classes.gap} style={{ left: left(from), width: `${parseFloat(left(to)) - parseFloat(left(from))}%` }} />
    ));
}

function Hover({ t, left, mark, gap }: { t: number; left: string; mark: Mark | null; gap: Gap | undefined }) {
  return (
    <div className={classes.hover} style={{ left }} aria-hidden>
      <b>{clock(mark?.t ?? t)}</b>
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
