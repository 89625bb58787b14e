import { Skeleton, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { Failure } from '@/shell/states';
import { nameOf, useChannels, type Channel } from './channels';
import type { Mark } from './marks';
import type { Place } from './place';
import { Playback } from './playback';
import { Player } from './view/player';
import classes from './view/player.module.css';
import { wireOf } from './wire';

export type { Mark, MarkKind } from './marks';

interface SessionPlayerProps {
  /** The session's whole id. */
  session: string;
  startedAt: string;
  running: boolean;
  /** How long the session has lasted (s). */
  lasted: () => number;
  /** What the audit book says happened, for the scrubber. */
  events: readonly Mark[];
  place: Place;
  onPlace: (place: Place) => void;
}

/** What was and is seen in a session's terminals. Loaded by the pages that show it: it is large. */
export default function SessionPlayer(props: SessionPlayerProps) {
  const { session, running, place } = props;
  const channels = useChannels(session, running);
  if (channels.isPending) return <Skeleton height={420} aria-label="Loading the recording" />;
  if (channels.isError && channels.data === undefined) return <Failure error={channels.error} retry={() => void channels.refetch()} />;
  // A channel that moved files only has no picture.
  const pictured = channels.items.filter(({ activity }) => running || activity.some((bytes) => bytes > 0));
  const shown = place.channel ?? pictured[0]?.channel ?? (running ? 0 : null);
  if (shown === null) {
    return (
      <Text c="dimmed" py="md">
        No terminal of this session was recorded. Transfers and forwards are listed on this page.
      </Text>
    );
  }
  return <OneChannel key={`${session} ${shown}`} {...props} number={shown} channels={pictured} />;
}

function OneChannel({ number, channels, ...props }: SessionPlayerProps & { number: number; channels: Channel[] }) {
  const { session, startedAt, running, events, place, onPlace } = props;
  const playback = usePlayback(props, number);
  // The row may be read before the last frame comes, and the other way round; the source has the last word.
  useEffect(() => {
    if (!running && playback?.log.complete) playback.engine.ended();
  }, [running, playback]);
  if (playback === null) return <Skeleton height={420} aria-label="Loading the recording" />;
  const tabs = channels.length > 1 && (
    <div className={classes.tabs} role="group" aria-label="Channels">
      {channels.map((channel) => (
        <button
          key={channel.channel}
          type="button"
          aria-pressed={channel.channel === number}
          title={`Channel ${channel.channel}: ${channel.command ?? channel.kind}`}
          onClick={() => onPlace({ t: running && playback.engine.snapshot().live ? null : playback.engine.snapshot().position, channel: channel.channel })}
        >
          <b>{channel.channel}</b> {nameOf(channel)}
        </button>
      ))}
    </div>
  );
  return (
    <Player
      {...{ playback, session, startedAt, number, events, tabs, place, onPlace }}
      channel={channels.find((channel) => channel.channel === number)}
    />
  );
}

function usePlayback({ session, running, lasted, place }: SessionPlayerProps, number: number): Playback | null {
  const [playback, setPlayback] = useState<Playback | null>(null);
  const beginning = useRef({ t: place.t, running, lasted });
  useEffect(() => {
    const made = new Playback(wireOf(session, number), beginning.current);
    made.start();
    setPlayback(made);
    return () => made.stop();
  }, [session, number]);
  return playback;
}
