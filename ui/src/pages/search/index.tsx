import { Badge, Button, Group, Paper, Select, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { at } from '@/api/client';
import { itemsOf, reading } from '@/api/queries';
import type { Page as ListPage } from '@/api/shapes';
import type { Search } from '@/app/search';
import { EmptyState } from '@/components/empty';
import { PageLink, ServerLink, UserLink } from '@/components/link';
import { useListSearch } from '@/components/list/use-list';
import { Age, Moment } from '@/components/moment';
import { Page } from '@/components/page';
import { Pick } from '@/components/pick';
import { clock, fromInput, toInput } from '@/components/time';
import { placeSearch } from '@/player/place';
import { highlight, queryWords } from '@/player/transcript';
import { Failure } from '@/shell/states';
import { bySession, type Found, type Hit } from './hits';
import classes from './search.module.css';

const KINDS = [
  { value: 'output', label: 'What was shown' },
  { value: 'command', label: 'Commands' },
  { value: 'file', label: 'Names of files' },
];

/** Hits of one session shown before somebody asks for all. */
const FEW = 6;

export default function SearchPage() {
  const [search, change] = useListSearch(false);
  return (
    <Page title="Search" about="In what was shown, run and transferred, across all recorded sessions.">
      <SearchForm key={JSON.stringify(search)} search={search} change={change} />
      <Results search={search} />
    </Page>
  );
}

function SearchForm({ search, change }: { search: Search; change: (changes: Search) => void }) {
  const [q, setQ] = useState(search.q ?? '');
  const [since, setSince] = useState(toInput(search.since ?? null));
  // What was typed counts with whatever else is changed.
  const apply = (changes: Search) => change({ q: q.trim() || undefined, since: fromInput(since) ?? undefined, ...changes });
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    apply({});
  };
  return (
    <form onSubmit={submit} role="search" aria-label="Recordings">
      <Stack gap="xs">
        <Group gap="xs" wrap="nowrap">
          <TextInput
            type="search"
            size="md"
            value={q}
            onChange={(event) => setQ(event.currentTarget.value)}
            placeholder={'Words, or "a phrase"'}
            aria-label="Search for"
            leftSection={<IconSearch size={17} aria-hidden />}
            style={{ flex: 1 }}
            autoFocus={search.q === undefined}
          />
          <Button type="submit" size="md">
            Search
          </Button>
        </Group>
        <div className={classes.filters}>
          <Select aria-label="Kind" data={KINDS} value={search.kind ?? null} onChange={(kind) => apply({ kind: kind ?? undefined })} placeholder="Everything" clearable allowDeselect />
          <Pick kind="user" aria-label="Person" placeholder="Anybody" value={search.user ?? null} onChange={(user) => apply({ user: user ?? undefined })} />
          <Pick kind="server" aria-label="Server" placeholder="Any server" value={search.server ?? null} onChange={(server) => apply({ server: server ?? undefined })} />
          <TextInput
            type="datetime-local"
            aria-label="Since"
            title="Sessions that started after"
            value={since}
            onChange={(event) => setSince(event.currentTarget.value)}
            onBlur={() => (fromInput(since) ?? undefined) !== search.since && apply({})}
          />
        </div>
      </Stack>
    </form>
  );
}

function Results({ search }: { search: Search }) {
  const { q = '', kind, user, server, since } = search;
  const asked = useQuery({ ...reading<Hit[] | ListPage<Hit>>('/search', { q, kind, user, server, since }), enabled: q !== '', placeholderData: keepPreviousData });
  const found = useMemo(() => bySession(itemsOf(asked.data)), [asked.data]);
  const words = useMemo(() => queryWords(q), [q]);
  if (q === '') {
    return (
      <Paper radius="md">
        <EmptyState
          title="What are you looking for?"
          hint="Words that stood on a screen, a command that was run, a file that was transferred. Several words must all be in the line. Each hit leads to its moment in the recording."
        />
      </Paper>
    );
  }
  if (asked.data === undefined) return asked.isError ? <Failure error={asked.error} retry={() => void asked.refetch()} /> : <Skeleton height={240} aria-label="Searching" />;
  const hits = found.reduce((sum, group) => sum + group.hits.length, 0);
  if (hits === 0) {
    return (
      <Paper radius="md">
        <EmptyState title="Nothing was found" hint="Try fewer words, or another kind. Running sessions are indexed every minute, closed ones when they end; encrypted recordings only if the configuration says so." />
      </Paper>
    );
  }
  return (
    <Stack gap="sm" style={{ opacity: asked.isPlaceholderData ? 0.6 : 1 }}>
      <Text size="sm" c="dimmed" aria-live="polite">
        {hits.toLocaleString()} {hits === 1 ? 'hit' : 'hits'} in {found.length.toLocaleString()} {found.length === 1 ? 'session' : 'sessions'}
      </Text>
      {found.map((group) => (
        <SessionHits key={group.session} group={group} words={words} />
      ))}
    </Stack>
  );
}

function SessionHits({ group, words }: { group: Found; words: string[] }) {
  const [all, setAll] = useState(false);
  const shown = all ? group.hits : group.hits.slice(0, FEW);
  return (
    <Paper radius="md" component="section" className={classes.session} aria-label={`${group.user} at ${group.server}`}>
      <div className={classes.head}>
        <span>
          <UserLink name={group.user} /> at <ServerLink name={group.server} />
        </span>
        <PageLink to={at`/sessions/${group.session}`} c="dimmed" fz="xs">
          <Moment at={group.started_at} /> · <Age at={group.started_at} />
        </PageLink>
      </div>
      {shown.map((hit, i) => (
        <PageLink key={i} to={at`/sessions/${hit.session}`} search={placeSearch({ t: hit.t, channel: hit.channel })} className={classes.hit} underline="never" c="inherit">
          <span className={classes.time}>{clock(hit.t)}</span>
          {hit.kind !== 'output' && (
            <Badge size="sm" color={hit.kind === 'command' ? 'verdigris' : 'blue'} className={classes.kind}>
              {hit.kind}
            </Badge>
          )}
          <span className={classes.text}>
            {highlight(hit.text, words).map((piece, at_) => (piece.hit ? <mark key={at_}>{piece.text}</mark> : <span key={at_}>{piece.text}</span>))}
          </span>
        </PageLink>
      ))}
      {group.hits.length > shown.length && (
        <Button variant="subtle" size="compact-xs" m={6} onClick={() => setAll(true)}>
          {group.hits.length - shown.length} more
        </Button>
      )}
    </Paper>
  );
}
