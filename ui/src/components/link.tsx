import { Anchor, type AnchorProps } from '@mantine/core';
import { createLink, Link, useNavigate } from '@tanstack/react-router';
import { forwardRef, type AnchorHTMLAttributes } from 'react';
import { at } from '@/api/client';
import type { Search } from '@/app/search';

const Inner = forwardRef<HTMLAnchorElement, AnchorProps & AnchorHTMLAttributes<HTMLAnchorElement>>((props, ref) => (
  <Anchor ref={ref} {...props} />
));
Inner.displayName = 'Inner';
const Routed = createLink(Inner);

export interface PageLinkProps extends Omit<AnchorProps, 'style'> {
  /** A path within the page, made with `at` where it holds a name. */
  to: string;
  search?: Search;
  title?: string;
  children?: React.ReactNode;
  'aria-label'?: string;
}

/** A link to another page of this page. */
export function PageLink({ to, search, ...rest }: PageLinkProps) {
  return <Routed to={to as '/'} search={(search ?? {}) as never} {...rest} />;
}

/** For `component={…}` of buttons and menu items that lead somewhere. */
export const RouterLink = Link as unknown as React.FC<
  { to: string; search?: Search; children?: React.ReactNode } & AnchorHTMLAttributes<HTMLAnchorElement>
>;

/** Goes to a path, from code. */
export function useGo(): (to: string, search?: Search, options?: { replace?: boolean }) => void {
  const navigate = useNavigate();
  return (to, search, options) => void navigate({ to: to as '/', search: (search ?? {}) as never, ...options });
}

export function UserLink({ name }: { name: string }) {
  return <PageLink to={at`/people/${name}`}>{name}</PageLink>;
}

export function ServerLink({ name }: { name: string }) {
  return <PageLink to={at`/servers/${name}`}>{name}</PageLink>;
}

export function PolicyLink({ id }: { id: number }) {
  return <PageLink to={at`/policies/${id}`}>{`#${id}`}</PageLink>;
}

export function PolicyLinks({ ids }: { ids: readonly number[] }) {
  return (
    <>
      {ids.map((id, i) => (
        <span key={id}>
          {i > 0 && ', '}
          <PolicyLink id={id} />
        </span>
      ))}
    </>
  );
}

export function SessionLink({ id }: { id: string }) {
  return (
    <PageLink to={at`/sessions/${id}`} className="mono" title={id}>
      {id.slice(-8)}
    </PageLink>
  );
}

export function RequestLink({ id }: { id: number }) {
  return <PageLink to={at`/requests/${id}`}>{`#${id}`}</PageLink>;
}
