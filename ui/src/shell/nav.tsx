import { Link, useLocation } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { pendingToDecide } from '@/api/queries';
import { sessionQuery } from '@/api/session';
import type { Role } from '@/api/shapes';
import { sectionsFor, type Entry } from './navigation';
import classes from './shell.module.css';

export function Brand() {
  return (
    <Link to="/" className={classes.brand}>
      <img src="/favicon.svg" width={26} height={26} alt="" />
      Gatehouse
    </Link>
  );
}

export function Navigation({ role }: { role: Role }) {
  return (
    <nav aria-label="Pages" style={{ paddingBottom: 24 }}>
      {sectionsFor(role).map((section) => (
        <div key={section.title ?? ''}>
          {section.title !== null && <div className={classes.section}>{section.title}</div>}
          {section.entries.map((entry) => (
            <NavEntry key={entry.to} entry={entry} />
          ))}
        </div>
      ))}
    </nav>
  );
}

function NavEntry({ entry }: { entry: Entry }) {
  const { pathname } = useLocation();
  const active = entry.to === '/' ? pathname === '/' : pathname === entry.to || pathname.startsWith(`${entry.to}/`);
  return (
    <Link to={entry.to as '/'} search={{} as never} className={classes.entry} data-active={active} aria-current={active ? 'page' : undefined}>
      <entry.icon size={17} stroke={1.6} aria-hidden />
      {entry.label}
      {entry.to === '/requests' && <Waiting />}
    </Link>
  );
}

/** How many requests wait for this person's decision. */
function Waiting() {
  const session = useQuery(sessionQuery);
  const waiting = useQuery({ ...pendingToDecide, enabled: session.data?.state === 'signed_in' });
  const count = waiting.data?.items.length ?? 0;
  if (count === 0) return null;
  return (
    <span className={classes.count} aria-label={`${count} to decide`}>
      {waiting.data?.next ? `${count}+` : count}
    </span>
  );
}
