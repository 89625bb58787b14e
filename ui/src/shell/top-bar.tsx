import { ActionIcon, Box, Button, Group, Kbd, Text, UnstyledButton } from '@mantine/core';
import { useLocation } from '@tanstack/react-router';
import { IconSearch } from '@tabler/icons-react';
import { lazy, Suspense } from 'react';
import { useLiveState, type LiveState } from '@/api/events';
import type { SessionInfo } from '@/api/shapes';
import { RouterLink } from '@/components/link';
import { openPalette } from './palette-key';
import classes from './shell.module.css';

// Menus need a library that places them; the page does not wait for it.
const SchemeMenu = lazy(() => import('./menus').then(({ SchemeMenu: menu }) => ({ default: menu })));
const Account = lazy(() => import('./menus').then(({ Account: menu }) => ({ default: menu })));

export function TopBar({ session }: { session: SessionInfo }) {
  const { href } = useLocation();
  const signedIn = session.state === 'signed_in';
  return (
    <Group justify="space-between" style={{ flex: 1 }} wrap="nowrap" gap="sm">
      <UnstyledButton className={classes.find} onClick={() => openPalette()} aria-label="Find a page, person, server or session" visibleFrom="xs">
        <IconSearch size={15} aria-hidden />
        <Box style={{ flex: 1 }}>Find…</Box>
        <Kbd size="xs">Ctrl K</Kbd>
      </UnstyledButton>
      <ActionIcon variant="subtle" color="gray" size="lg" onClick={() => openPalette()} aria-label="Find" hiddenFrom="xs">
        <IconSearch size={18} />
      </ActionIcon>
      <Group gap="xs" wrap="nowrap">
        {signedIn && <Live />}
        <Suspense fallback={<div style={{ width: signedIn ? 74 : 34 }} />}>
          <SchemeMenu />
          {signedIn && <Account session={session} />}
        </Suspense>
        {!signedIn && <Guest session={session} to={href} />}
      </Group>
    </Group>
  );
}

const WORDS: Record<LiveState, [string, string]> = {
  live: ['Live', 'What happens appears by itself'],
  connecting: ['Connecting', 'The live connection is being opened'],
  lost: ['Offline', 'The live connection is lost; it is tried again. What is shown may be old'],
};

function Live() {
  const state = useLiveState();
  const [word, sentence] = WORDS[state];
  return (
    <Group gap={6} wrap="nowrap" role="status" tabIndex={0} aria-label={`${word}: ${sentence}`} px={6} data-tip={sentence}>
      <span className={classes.dot} data-state={state} />
      <Text size="xs" c="dimmed" visibleFrom="sm">
        {word}
      </Text>
    </Group>
  );
}

/** A person known by address alone: their own pages, and the way to sign in. */
function Guest({ session, to }: { session: SessionInfo; to: string }) {
  return (
    <Group gap="xs" wrap="nowrap">
      <Text size="sm" c="dimmed" visibleFrom="sm">
        {session.user?.name} (known by address)
      </Text>
      <Button component={RouterLink} to="/sign-in" search={{ to }} size="xs">
        Sign in
      </Button>
    </Group>
  );
}
