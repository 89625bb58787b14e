import type { EventLog, Gap } from './log';

/** What a stretch that is passed over takes on the scrubber, as a part of its width. */
const BLINK_PART = 0.012;
/** Passed-over stretches take at most this part of the width in all. */
const MOST_PART = 0.3;

/** A stretch of time and where it lies on the scrubber (0 to 1). */
interface Segment {
  t: number;
  part: number;
}

/** A stretch that is passed over, where it lies on the scrubber. */
export interface DrawnGap extends Gap {
  left: number;
  width: number;
}

/**
 * Where a time lies on the scrubber, and back. What is passed over is a mark of its own, so that the rest has room.
 *
 * INVARIANT: `points` rise in time and in part, from (begin, 0) to (end, 1).
 */
export class Scale {
  readonly gaps: DrawnGap[];
  private readonly points: Segment[];

  /** `gaps` are the stretches that are passed over, in order and apart from each other. */
  constructor(
    readonly begin: number,
    readonly end: number,
    gaps: readonly Gap[],
  ) {
    const inside = gaps.filter(({ from, to }) => from >= begin && to <= end && to > from);
    const idle = inside.reduce((sum, { from, to }) => sum + to - from, 0);
    const length = Math.max(1e-6, end - begin);
    const blink = Math.min(BLINK_PART, MOST_PART / Math.max(1, inside.length));
    const busy = Math.max(0, length - idle);
    // Where nothing but silence is there, silence has all the room.
    const perSecond = busy > 0 ? (1 - blink * inside.length) / busy : 0;
    this.points = [{ t: begin, part: 0 }];
    this.gaps = [];
    let part = 0;
    let t = begin;
    for (const { from, to } of inside) {
      part += (from - t) * perSecond;
      const width = busy > 0 ? blink : (to - from) / length;
      this.points.push({ t: from, part }, { t: to, part: part + width });
      this.gaps.push({ from, to, left: part, width });
      part += width;
      t = to;
    }
    this.points.push({ t: end, part: 1 });
  }

  /** 0 to 1. */
  part(t: number): number {
    return along(this.points, t, 't', 'part');
  }

  time(part: number): number {
    return along(this.points, part, 'part', 't');
  }
}

function along(points: readonly Segment[], value: number, from: keyof Segment, to: keyof Segment): number {
  let low = 0;
  let high = points.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((points[middle]?.[from] ?? Infinity) <= value) low = middle;
    else high = middle;
  }
  const [a, b] = [points[low], points[high]];
  if (a === undefined || b === undefined) return 0;
  const length = b[from] - a[from];
  const share = length > 0 ? Math.max(0, Math.min(1, (value - a[from]) / length)) : 0;
  return a[to] + share * (b[to] - a[to]);
}

/** How much came in each of `count` equal parts of the scrubber. */
export function heatOf(log: EventLog, scale: Scale, count: number): number[] {
  const heat = new Array<number>(count).fill(0);
  for (let index = 0; index < log.length; index++) {
    if (log.code(index) !== 'o') continue;
    const at = Math.min(count - 1, Math.floor(scale.part(log.time(index)) * count));
    heat[at] = (heat[at] ?? 0) + log.text(index).length;
  }
  return heat;
}

/** The same from parts of equal time, as the server tells them. */
export function heatFrom(parts: readonly number[], begin: number, end: number, scale: Scale, count: number): number[] {
  const heat = new Array<number>(count).fill(0);
  parts.forEach((bytes, i) => {
    const middle = begin + ((i + 0.5) / parts.length) * (end - begin);
    const at = Math.max(0, Math.min(count - 1, Math.floor(scale.part(middle) * count)));
    heat[at] = (heat[at] ?? 0) + bytes;
  });
  return heat;
}
