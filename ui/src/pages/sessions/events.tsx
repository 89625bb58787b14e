import { Badge, Text, UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { useState } from 'react';
import type { AuditEvent, Session } from '@/api/shapes';
import { OutcomeBadge } from '@/components/badges';
import { Moment } from '@/components/moment';
import { Card } from '@/components/page';
import { DetailList } from '@/pages/audit/detail-list';
import classes from './events.module.css';
import { When } from './parts';
import { kindOf, LOOKED } from './words';

/** What the audit book says of the session: warnings, changes, refusals, and who looked at it. */
export function SessionEvents({ session, jump }: { session: Session; jump: (t: number) => void }) {
  const events = session.events ?? [];
  const within = events.filter((event) => !LOOKED.has(event.action));
  const looked = events.filter((event) => LOOKED.has(event.action));
  return (
    <>
      {within.length > 0 && (
        <Card title="What happened">
          {within.map((event) => (
            <Row key={event.seq} event={event} when={<When at={event.time} session={session} jump={jump} />} />
          ))}
        </Card>
      )}
      {looked.length > 0 && (
        <Card title="Who looked at it">
          {looked.map((event) => (
            <Row key={event.seq} event={event} when={<Moment at={event.time} />} />
          ))}
        </Card>
      )}
    </>
  );
}

function Row({ event, when }: { event: AuditEvent; when: React.ReactNode }) {
  const [open, setOpen] = useState(false);
  return (
    <div className={classes.event} data-kind={kindOf(event) ?? 'none'}>
      <div className={classes.line}>
        <span className={classes.when}>{when}</span>
        <UnstyledButton className={classes.what} onClick={() => setOpen(!open)} aria-expanded={open}>
          <IconChevronRight size={14} aria-hidden style={{ transform: open ? 'rotate(90deg)' : undefined }} />
          <span className="mono">{event.action}</span>
          {event.outcome !== 'ok' && <OutcomeBadge outcome={event.outcome} />}
          <Text span size="sm" c="dimmed" className={classes.reason}>
            {event.reason}
          </Text>
        </UnstyledButton>
        <Badge color="gray" variant="outline" className={classes.actor}>
          {event.actor}
        </Badge>
      </div>
      {open && (
        <div className={classes.detail}>
          <DetailList detail={event.detail} />
        </div>
      )}
    </div>
  );
}
