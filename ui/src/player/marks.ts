/** What a mark on the scrubber can be about; each has its colour. */
export type MarkKind = 'resize' | 'marker' | 'skipped' | 'warning' | 'denied' | 'transfer' | 'forward' | 'change' | 'looked';

/** A moment worth finding (seconds since the session's start). */
export interface Mark {
  t: number;
  kind: MarkKind;
  text: string;
}

/** Marks drawn at most: more than this cannot be told apart. */
const MOST = 600;

/** Marks in order, the rarest kinds kept where there are too many. */
export function drawnMarks(marks: readonly Mark[]): Mark[] {
  const sorted = [...marks].sort((a, b) => a.t - b.t);
  if (sorted.length <= MOST) return sorted;
  const counts = new Map<MarkKind, number>();
  for (const { kind } of sorted) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const rare = [...sorted].sort((a, b) => (counts.get(a.kind) ?? 0) - (counts.get(b.kind) ?? 0) || a.t - b.t).slice(0, MOST);
  return rare.sort((a, b) => a.t - b.t);
}

/** The mark nearest to a time, if one is within reach (s). Marks are in order. */
export function markNear(marks: readonly Mark[], t: number, reach: number): Mark | null {
  let nearest: Mark | null = null;
  for (const mark of marks) {
    const away = Math.abs(mark.t - t);
    if (away <= reach && (nearest === null || away < Math.abs(nearest.t - t))) nearest = mark;
  }
  return nearest;
}
