import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Navigate, Outlet, useLocation } from '@tanstack/react-router';
import { IconMenu2 } from '@tabler/icons-react';
import { Suspense, useEffect, useRef, useState } from 'react';
import { followEvents } from '@/api/events';
import { roleOf, sessionQuery } from '@/api/session';
import type { SessionInfo } from '@/api/shapes';
import { Brand, Navigation } from './nav';
import { PaletteKey } from './palette-key';
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
  // The address changes before the shell goes; sending on once is enough.
  if (pathname === '/sign-in') return <PageLoading />;
  if (state === 'none' || state === 'factor') return <Navigate to="/sign-in" search={{ to: href }} replace />;
  if (pathname === '/' && roleOf(session.data) === 'user') return <Navigate to="/my/access" replace />;
  return <Frame session={session.data} />;
}

function Frame({ session }: { session: SessionInfo }) {
  const [menu, setMenu] = useState(false);
  const queries = useQueryClient();
  const { pathname } = useLocation();
  const signedIn = session.state === 'signed_in';
  useEffect(() => (signedIn ? followEvents(queries) : undefined), [signedIn, queries]);
  useEffect(() => setMenu(false), [pathname]);
  const main = useFocusOnPage(pathname);
  return (
    <div className={classes.frame} onKeyDown={(event) => event.key === 'Escape' && setMenu(false)}>
      <a className="skip-link" href="#content">
        Skip to the content
      </a>
      {menu && <div className={classes.veil} onClick={() => setMenu(false)} />}
      <div className={classes.navbar} data-open={menu} id="navigation">
        <Brand />
        <Navigation role={roleOf(session)} />
      </div>
      <header className={classes.header}>
        <button type="button" className={classes.burger} onClick={() => setMenu(!menu)} aria-label="Navigation" aria-expanded={menu} aria-controls="navigation">
          <IconMenu2 size={20} aria-hidden />
        </button>
        <TopBar session={session} />
      </header>
      <main className={classes.main} id="content" ref={main} tabIndex={-1}>
        <Suspense fallback={<PageLoading />}>
          <Outlet />
        </Suspense>
      </main>
      <PaletteKey role={roleOf(session)} asks={signedIn} />
    </div>
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
