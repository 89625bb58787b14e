import { Alert, Text } from '@mantine/core';
import { IconPlayerPlayFilled } from '@tabler/icons-react';
import clsx from 'clsx';
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { sentenceOf } from '@/api/problem';
import { beginOf, useTranscript, type Channel } from '../channels';
import { drawnMarks, type Mark } from '../marks';
import type { Place } from '../place';
import type { Loaded, Playback } from '../playback';
import { usePreferences } from '../preferences';
import { Controls } from './controls';
import classes from './player.module.css';
import { Scrubber } from './scrubber';
import { Stage } from './stage';
import { TranscriptPane } from './transcript-pane';
import { TypedStrip } from './typed-strip';
import { useEngine } from './use-engine';
import { usePlayerKeys, type KeyTargets } from './use-keys';
import { usePlace } from './use-place';

interface PlayerProps {
  playback: Playback;
  session: string;
  startedAt: string;
  number: number;
  /** What is known of the channel; undefined while nothing is. */
  channel: Channel | undefined;
  /** What the audit book says happened. */
  events: readonly Mark[];
  tabs: React.ReactNode;
  place: Place;
  onPlace: (place: Place) => void;
}

/** One channel: its terminal, the way through it, and its transcript. */
export function Player({ playback, session, startedAt, number, channel, events, tabs, place, onPlace }: PlayerProps) {
  const { engine, log } = playback;
  const loaded = useSyncExternalStore(playback.subscribe, playback.snapshot);
  const [preferences, prefer] = usePreferences();
  const [full, setFull] = useState(false);
  const running = useEngine(engine, (state) => state.running);
  const transcript = useTranscript(session, number, running);
  useEffect(() => engine.setSpeed(preferences.speed), [engine, preferences.speed]);
  useEffect(() => engine.setMaxIdle(preferences.skipIdle ? preferences.maxIdle : null), [engine, preferences.skipIdle, preferences.maxIdle]);
  useEffect(() => {
    if (channel) engine.expect(beginOf(channel, startedAt), beginOf(channel, startedAt) + channel.duration);
  }, [engine, channel, startedAt]);
  usePlace(playback, number, place, onPlace);
  const targets = useMemo<KeyTargets>(
    () => ({
      engine,
      toggleFull: () => setFull(!full),
      leaveFull: () => setFull(false),
      toggleTyped: () => prefer({ typed: !preferences.typed }),
      toggleTranscript: () => prefer({ transcript: !preferences.transcript }),
      setSpeed: (speed) => prefer({ speed }),
    }),
    [engine, full, preferences],
  );
  usePlayerKeys(targets);
  const marks = useMemo(() => drawnMarks([...log.marks, ...events]), [log, loaded.marks, events]);
  const permalink = () => {
    const url = new URL(location.href);
    url.searchParams.set('t', String(Math.ceil(engine.snapshot().position * 1000 - 1e-6) / 1000));
    url.searchParams.set('channel', String(number));
    return url.href;
  };
  return (
    <section className={clsx(classes.player, full && classes.full)} aria-label="Player">
      {tabs}
      <Trouble loaded={loaded} />
      <div className={classes.body} data-transcript={preferences.transcript}>
        <div className={classes.main}>
          <div className={classes.screen} onClick={(event) => onScreen(event, playback)}>
            <Stage playback={playback} full={full} />
            <Busy playback={playback} />
            <Begin playback={playback} />
          </div>
          {preferences.typed && <TypedStrip playback={playback} />}
          <Scrubber playback={playback} marks={marks} activity={activityOf(channel, startedAt)} loadedUntil={loaded.until} gapCount={loaded.gaps} />
          <Controls {...{ playback, preferences, prefer, full, setFull, permalink }} status={<Status loaded={loaded} playback={playback} />} />
        </div>
        {preferences.transcript && <TranscriptPane playback={playback} transcript={transcript.data} error={transcript.error} />}
      </div>
    </section>
  );
}

/** A click plays or pauses, unless text was marked. */
function onScreen(event: React.MouseEvent, { engine, screen }: Playback): void {
  if (event.detail === 1 && !screen.terminal.hasSelection()) engine.toggle();
}

function activityOf(channel: Channel | undefined, startedAt: string) {
  if (channel === undefined) return null;
  const begin = beginOf(channel, startedAt);
  return { begin, end: begin + channel.duration, parts: channel.activity };
}

function Busy({ playback: { engine } }: { playback: Playback }) {
  const busy = useEngine(engine, (state) => state.busy && !state.live);
  return busy ? <span className={classes.busy} role="status" aria-label="Going there" /> : null;
}

/** Before anything is played, what to do. */
function Begin({ playback: { engine } }: { playback: Playback }) {
  const waits = useEngine(engine, ({ playing, live, position, begin, busy }) => !playing && !live && !busy && position <= begin);
  return waits ? (
    <span className={classes.begin} aria-hidden>
      <IconPlayerPlayFilled size={30} />
    </span>
  ) : null;
}

function Status({ loaded, playback: { log } }: { loaded: Loaded; playback: Playback }) {
  const { source } = loaded;
  const words =
    source.kind === 'loading' && !log.caughtUp
      ? 'Loading…'
      : source.kind === 'lost'
        ? 'The server cannot be reached; trying again…'
        : source.kind === 'live'
          ? source.way === 'pushed'
            ? 'As it happens'
            : 'Asked for every second'
          : loaded.ended !== null
            ? `The session ended: ${loaded.ended.replaceAll('_', ' ')}`
            : '';
  return (
    <Text span size="xs" c="dimmed" aria-live="polite" className={classes.status} data-kind={source.kind}>
      {words}
    </Text>
  );
}

function Trouble({ loaded: { source } }: { loaded: Loaded }) {
  if (source.kind === 'failed') {
    return (
      <Alert color="brick" variant="light" role="alert">
        {sentenceOf(source.error)}
      </Alert>
    );
  }
  if (source.kind === 'cut') {
    return (
      <Alert color="brass" variant="light">
        The recording is longer than the page can hold. Download it to see the rest.
      </Alert>
    );
  }
  return null;
}
