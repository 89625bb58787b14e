import { Fragment } from 'react';
import type { Schedule } from '@/api/shapes';
import { WEEKDAYS, weekBlocks } from './words';
import classes from './week.module.css';

/** When schedules are open, on a week. No schedule at all is always. */
export function Week({ schedules }: { schedules: readonly Schedule[] }) {
  const blocks = schedules.length === 0 ? weekBlocks({}) : schedules.flatMap(weekBlocks);
  const words = WEEKDAYS.map((name, day) => {
    const open = blocks.filter((block) => block.day === day).map((block) => `${clock(block.from)} to ${clock(block.to)}`);
    return `${name}: ${open.join(', ') || 'closed'}`;
  });
  return (
    <div className={classes.grid} role="img" aria-label={`The week. ${words.join('; ')}`}>
      {WEEKDAYS.map((name, day) => (
        <Fragment key={name}>
          <span>{name}</span>
          <span className={classes.day}>
            {blocks
              .filter((block) => block.day === day)
              .map((block) => (
                <span
                  key={`${block.from} ${block.to}`}
                  className={classes.block}
                  style={{ insetInlineStart: `${(block.from / 24) * 100}%`, width: `${((block.to - block.from) / 24) * 100}%` }}
                  title={`${name} ${clock(block.from)}–${clock(block.to)}`}
                />
              ))}
          </span>
        </Fragment>
      ))}
      <span />
      <span className={classes.hours}>
        {['00', '06', '12', '18', '24'].map((hour) => (
          <span key={hour}>{hour}</span>
        ))}
      </span>
    </div>
  );
}

function clock(hours: number): string {
  const minutes = Math.round((hours % 1) * 60);
  return `${String(Math.floor(hours)).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
}
