import { ActionIcon, Button, Group, Menu, Switch, Text, Tooltip } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import {
  IconChevronLeft, IconChevronRight, IconCopy, IconFileText, IconKeyboard, IconLink, IconMaximize, IconMinimize, IconPlayerPauseFilled, IconPlayerPlayFilled,
} from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { clock, duration } from '@/components/time';
import { done } from '@/components/toast';
import { SPEEDS } from '../engine';
import type { Playback } from '../playback';
import type { Preferences } from '../preferences';
import classes from './player.module.css';
import { useEngine } from './use-engine';

interface ControlsProps {
  playback: Playback;
  preferences: Preferences;
  prefer: (changes: Partial<Preferences>) => void;
  full: boolean;
  setFull: (full: boolean) => void;
  permalink: () => string;
  /** Where the events come from now. */
  status: React.ReactNode;
}

const IDLE_CHOICES = [2, 5, 10, 30];

export function Controls({ playback, preferences, prefer, full, setFull, permalink, status }: ControlsProps) {
  const { engine } = playback;
  const playing = useEngine(engine, (state) => state.playing);
  return (
    <Group gap={6} className={classes.controls} role="toolbar" aria-label="Player">
      <Icon label="One event back (,)" act={() => engine.step(-1)} icon={<IconChevronLeft size={17} />} />
      <Tooltip label={playing ? 'Pause (space)' : 'Play (space)'}>
        <ActionIcon size={36} onClick={() => engine.toggle()} aria-label={playing ? 'Pause' : 'Play'}>
          {playing ? <IconPlayerPauseFilled size={17} /> : <IconPlayerPlayFilled size={17} />}
        </ActionIcon>
      </Tooltip>
      <Icon label="One event on (.)" act={() => engine.step(1)} icon={<IconChevronRight size={17} />} />
      <Clock playback={playback} skips={preferences.skipIdle} />
      <GoLive playback={playback} />
      {status}
      <span style={{ flex: 1 }} />
      <Switch
        size="sm"
        label="Skip idle"
        checked={preferences.skipIdle}
        onChange={(event) => prefer({ skipIdle: event.currentTarget.checked })}
        styles={{ label: { paddingInlineStart: 6, whiteSpace: 'nowrap' } }}
      />
      <SpeedMenu playback={playback} preferences={preferences} prefer={prefer} />
      <Icon label="Typed input apart (i)" pressed={preferences.typed} act={() => prefer({ typed: !preferences.typed })} icon={<IconKeyboard size={17} />} />
      <Icon label="Transcript (t)" pressed={preferences.transcript} act={() => prefer({ transcript: !preferences.transcript })} icon={<IconFileText size={17} />} />
      <span className={classes.fine}>
        <CopySelection playback={playback} />
      </span>
      <CopyPermalink permalink={permalink} />
      <Icon label={full ? 'Leave the full window (f)' : 'Full window (f)'} pressed={full} act={() => setFull(!full)} icon={full ? <IconMinimize size={17} /> : <IconMaximize size={17} />} />
    </Group>
  );
}

interface IconProps {
  label: string;
  icon: React.ReactNode;
  act: () => void;
  pressed?: boolean;
  disabled?: boolean;
}

function Icon({ label, icon, act, pressed, disabled }: IconProps) {
  return (
    <Tooltip label={label}>
      <ActionIcon size={34} variant={pressed ? 'light' : 'subtle'} color={pressed ? undefined : 'gray'} onClick={act} aria-label={label} aria-pressed={pressed} disabled={disabled}>
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}

/** Where one is, how long it all is, and how long without what is passed over. */
function Clock({ playback: { engine, log }, skips }: { playback: Playback; skips: boolean }) {
  const now = useEngine(engine, ({ position }) => Math.floor(position));
  const end = useEngine(engine, (state) => Math.floor(state.end));
  const skipping = useEngine(engine, (state) => state.skipping);
  const short = useEngine(engine, (state) => (skips && state.maxIdle !== null && log.caughtUp ? Math.ceil(log.withoutIdle(state.maxIdle)) : null));
  const long = end >= 3600;
  return (
    <Text component="div" size="sm" className={classes.clock} style={{ minWidth: long ? 132 : 96 }}>
      <b>{clock(now)}</b> / {clock(end)}
      {skipping !== null ? (
        <span className={classes.skipping}>passing over {duration(skipping)}</span>
      ) : (
        short !== null && short < (end - engine.snapshot().begin) * 0.95 && <span className={classes.short}>{clock(short)} without idle</span>
      )}
    </Text>
  );
}

function GoLive({ playback: { engine } }: { playback: Playback }) {
  const running = useEngine(engine, (state) => state.running);
  const live = useEngine(engine, (state) => state.live);
  if (!running) return null;
  return live ? (
    <span className={classes.live}>Live</span>
  ) : (
    <Button size="compact-sm" variant="light" color="brick" onClick={() => engine.goLive()} title="Follow what happens now (l)">
      Go live
    </Button>
  );
}

function SpeedMenu({ playback: { engine }, preferences, prefer }: Pick<ControlsProps, 'playback' | 'preferences' | 'prefer'>) {
  const speed = useEngine(engine, (state) => state.speed);
  return (
    <Menu position="top-end" width={190} zIndex={320}>
      <Menu.Target>
        <Tooltip label="Speed ([ and ])">
          <Button size="compact-sm" variant="subtle" color="gray" miw={52} aria-label={`Speed, ${speed} times`}>
            {speed}×
          </Button>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        {SPEEDS.map((choice) => (
          <Menu.Item key={choice} onClick={() => prefer({ speed: choice })} fw={choice === speed ? 650 : undefined} aria-current={choice === speed}>
            {choice}×
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>Idle is longer than</Menu.Label>
        {IDLE_CHOICES.map((choice) => (
          <Menu.Item key={choice} onClick={() => prefer({ maxIdle: choice, skipIdle: true })} fw={choice === preferences.maxIdle ? 650 : undefined}>
            {choice} s
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function CopySelection({ playback: { screen } }: { playback: Playback }) {
  const clipboard = useClipboard();
  const [some, setSome] = useState(false);
  useEffect(() => {
    const watch = screen.terminal.onSelectionChange(() => setSome(screen.terminal.hasSelection()));
    return () => watch.dispose();
  }, [screen]);
  return (
    <Icon
      label={some ? 'Copy the marked text' : 'Mark text in the terminal to copy it'}
      disabled={!some}
      act={() => {
        clipboard.copy(screen.terminal.getSelection());
        done('The marked text is copied.');
      }}
      icon={<IconCopy size={17} />}
    />
  );
}

function CopyPermalink({ permalink }: { permalink: () => string }) {
  const clipboard = useClipboard();
  return (
    <Icon
      label="Copy a link to this moment"
      act={() => {
        clipboard.copy(permalink());
        done('The link to this moment is copied.');
      }}
      icon={<IconLink size={17} />}
    />
  );
}
