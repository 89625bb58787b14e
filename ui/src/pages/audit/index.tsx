import { Text, UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { useState } from 'react';
import type { AuditEvent } from '@/api/shapes';
import { OutcomeBadge } from '@/components/badges';
import { PageLink, ServerLink, SessionLink, UserLink } from '@/components/link';
import { List, type Column, type Filter } from '@/components/list/list';
import { Age, Moment } from '@/components/moment';
import { Page } from '@/components/page';
import { at } from '@/api/client';
import { ACTION_CHOICES } from './actions';
import classes from './audit.module.css';
import { ChainState } from './chain';
import { DetailList } from './detail-list';

const columns: Column<AuditEvent>[] = [
  {
    id: 'time',
    title: 'Time',
    render: (event) => (
      <>
        <Moment at={event.time} exact visibleFrom="sm" />
        <Age at={event.time} hiddenFrom="sm" />
      </>
    ),
  },
  { id: 'outcome', title: 'Outcome', width: 98, render: (event) => <OutcomeBadge outcome={event.outcome} /> },
  { id: 'action', title: 'What happened', render: (event) => <What event={event} /> },
  { id: 'user', title: 'Person', width: 118, from: 'sm', render: (event) => (event.user === null ? '–' : <UserLink name={event.user} />) },
  { id: 'server', title: 'Server', width: 118, from: 'sm', render: (event) => (event.server === null ? '–' : <ServerLink name={event.server} />) },
  { id: 'session', title: 'Session', width: 92, from: 'lg', render: (event) => (event.session === null ? '–' : <SessionLink id={event.session} />) },
  { id: 'source', title: 'Source', width: 124, from: 'lg', render: (event) => <span className="mono nowrap">{event.source ?? '–'}</span> },
  { id: 'actor', title: 'By', width: 146, from: 'md', render: (event) => <Actor name={event.actor} /> },
];

/** The action and why; opened, all that the event says. */
function What({ event }: { event: AuditEvent }) {
  const [open, setOpen] = useState(false);
  return (
    <div>
      <UnstyledButton className={classes.what} onClick={() => setOpen(!open)} aria-expanded={open} aria-label={`${event.action}, details`}>
        <IconChevronRight size={14} aria-hidden style={{ flex: 'none', transform: open ? 'rotate(90deg)' : undefined }} />
        <span className="mono">{event.action}</span>
        <Text span size="sm" c="dimmed" className={open ? classes.whole : classes.reason}>
          {event.reason}
        </Text>
      </UnstyledButton>
      {open && (
        <div className={classes.detail}>
          <DetailList detail={{ number: event.seq, by: event.actor, source: event.source, person: event.user, server: event.server, session: event.session, ...event.detail, hash: event.hash }} />
          {event.session !== null && <PageLink to={at`/sessions/${event.session}`} fz="sm">To the session</PageLink>}
        </div>
      )}
    </div>
  );
}

/** A person by name; what is no person has a prefix or is `system`. */
function Actor({ name }: { name: string }) {
  if (name === 'system' || name.includes(':')) {
    return (
      <span className="mono nowrap" title={name} style={{ display: 'inline-block', maxWidth: 122, overflow: 'hidden', textOverflow: 'ellipsis', verticalAlign: 'bottom' }}>
        {name}
      </span>
    );
  }
  return <UserLink name={name} />;
}

const filters: Filter[] = [
  { name: 'action', label: 'Action', kind: 'choice', options: ACTION_CHOICES },
  {
    name: 'outcome',
    label: 'Outcome',
    kind: 'choice',
    options: [
      { value: 'ok', label: 'ok' },
      { value: 'denied', label: 'denied' },
      { value: 'failed', label: 'failed' },
    ],
  },
  { name: 'user', label: 'Person', kind: 'text' },
  { name: 'actor', label: 'By whom', kind: 'text', placeholder: 'alice, cli:root@host, system' },
  { name: 'server', label: 'Server', kind: 'text' },
  { name: 'source', label: 'Source address', kind: 'text', mono: true },
  { name: 'session', label: 'Session', kind: 'text', placeholder: 'its id', mono: true },
  { name: 'since', label: 'After', kind: 'instant' },
  { name: 'until', label: 'Before', kind: 'instant' },
];

export default function AuditPage() {
  return (
    <Page title="Audit" about="One book of everything that was allowed, refused and changed. Nothing in it is ever altered.">
      <ChainState />
      <List<AuditEvent>
        name="audit"
        path="/audit"
        columns={columns}
        filters={filters}
        rowId={(event) => String(event.seq)}
        searchLabel="Text of events"
        empty={{ title: 'The book is empty', hint: 'Its first line is written when the gate is used for the first time.' }}
      />
    </Page>
  );
}
