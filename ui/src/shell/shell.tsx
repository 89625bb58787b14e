import { AppShell, Burger, Group, ScrollArea } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Navigate, Outlet, useLocation } from '@tanstack/react-router';
import { Suspense, useEffect, useRef } from 'react';
import { followEvents } from '@/api/events';
import { roleOf, sessionQuery } from '@/api/session';
import type { SessionInfo } from '@/api/shapes';
import { Brand, Navigation } from './nav';
import { Palette } from './palette';
import classes from './shell.module.css';
import { Failure, PageLoading } from './states';
import { TopBar } from './top-bar';

/** Everything but signing in lies in the shell, which knows who looks. */
export function Shell() {
  const session = useQuery(sessionQuery);
  const { href, pathname } = useLocation();
  if (session.data === undefined) {
    return session.isError ? <Failure error={session.error} retry={() => void session.refetch()} /> : <PageLoading />;
  }
  const { state } = session.data;
  if (state === 'none' || state === 'factor') return <Navigate to="/sign-in" search={{ to: href }} replace />;
  if (pathname === '/' && roleOf(session.data) === 'user') return <Navigate to="/my/access" replace />;
  return <Frame session={session.data} />;
}

function Frame({ session }: { session: SessionInfo }) {
  const [menu, { toggle, close }] = useDisclosure(false);
  const queries = useQueryClient();
  const { pathname } = useLocation();
  const signedIn = session.state === 'signed_in';
  useEffect(() => (signedIn ? followEvents(queries) : undefined), [signedIn, queries]);
  useEffect(close, [pathname, close]);
  const main = useFocusOnPage(pathname);
  return (
    <AppShell header={{ height: 52 }} navbar={{ width: 224, breakpoint: 'md', collapsed: { mobile: !menu } }} padding={{ base: 'sm', sm: 'lg' }}>
      <a className="skip-link" href="#content">
        Skip to the content
      </a>
      <AppShell.Header className={classes.header} ml={{ base: 0, md: 224 }}>
        <Group h="100%" px={{ base: 'sm', sm: 'lg' }} gap="sm" wrap="nowrap">
          <Burger opened={menu} onClick={toggle} hiddenFrom="md" size="sm" aria-label="Navigation" aria-expanded={menu} />
          <TopBar session={session} />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes.navbar} style={{ top: 0, height: '100dvh' }} zIndex={menu ? 200 : 101}>
        <Group justify="space-between" wrap="nowrap" pr="sm">
          <Brand />
          <Burger opened={menu} onClick={toggle} hiddenFrom="md" size="sm" color="#c9d8d3" aria-label="Close the navigation" />
        </Group>
        <ScrollArea type="auto" offsetScrollbars style={{ flex: 1 }}>
          <Navigation role={roleOf(session)} />
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="content" ref={main} tabIndex={-1}>
        <Suspense fallback={<PageLoading />}>
          <Outlet />
        </Suspense>
      </AppShell.Main>
      <Palette role={roleOf(session)} asks={signedIn} />
    </AppShell>
  );
}

/** A new page takes the focus, so that whoever hears the page hears the new one. */
function useFocusOnPage(pathname: string) {
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    if (first.current) first.current = false;
    else if (document.activeElement === document.body || document.activeElement?.closest('nav, header')) main.current?.focus({ preventScroll: true });
  }, [pathname]);
  return main;
}
