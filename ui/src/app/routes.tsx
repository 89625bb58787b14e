import { createRootRoute, createRoute, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router';
import { NotFound, PageError, PageLoading } from '@/shell/states';
import type { Search } from './search';

type Page = { default: React.ComponentType };

const root = createRootRoute({
  component: Outlet,
  validateSearch: (search): Search => search as Search,
  notFoundComponent: NotFound,
});
const shell = createRoute({ getParentRoute: () => root, id: 'shell', component: lazyRouteComponent(() => import('@/shell/shell'), 'Shell') });

/** What the first pages need of the styles comes with the entry; the rest comes with any other page. */
const styled = (load: () => Promise<Page>) => async () => (await Promise.all([load(), import('./rest-styles')]))[0];

/** A page within the shell; its code is loaded when it is gone to. */
function page<Path extends string>(path: Path, load: () => Promise<Page>, styles: (load: () => Promise<Page>) => () => Promise<Page> = styled) {
  return createRoute({
    getParentRoute: () => shell,
    path,
    component: lazyRouteComponent(styles(load)),
    errorComponent: PageError,
    pendingComponent: PageLoading,
  });
}

/** An address of the plain-text pages, opened in a browser: leads to the page for the same thing. */
function plain<Path extends string>(path: Path, to: (params: Record<string, string>, search: Search) => { to: string; search?: Search }) {
  return createRoute({
    getParentRoute: () => root,
    path,
    beforeLoad: ({ params, search }) => {
      throw redirect(to(params as Record<string, string>, search as Search));
    },
  });
}

const pages = [
  page('/', () => import('@/pages/dashboard'), (load) => load),
  page('/my/access', () => import('@/pages/mine/access'), (load) => load),
  page('/my/sessions', () => import('@/pages/mine/sessions')),
  page('/profile', () => import('@/pages/mine/profile')),
  page('/people', () => import('@/pages/people/list')),
  page('/people/new', () => import('@/pages/people/new')),
  page('/people/$user', () => import('@/pages/people/detail')),
  page('/user-groups', () => import('@/pages/groups/user-groups')),
  page('/user-groups/$group', () => import('@/pages/groups/user-group')),
  page('/servers', () => import('@/pages/servers/list')),
  page('/servers/new', () => import('@/pages/servers/new')),
  page('/servers/$server', () => import('@/pages/servers/detail')),
  page('/server-groups', () => import('@/pages/groups/server-groups')),
  page('/server-groups/$group', () => import('@/pages/groups/server-group')),
  page('/pool', () => import('@/pages/pool')),
  page('/policies', () => import('@/pages/policies/list')),
  page('/policies/new', () => import('@/pages/policies/wizard')),
  page('/policies/$policy', () => import('@/pages/policies/detail')),
  page('/policies/$policy/edit', () => import('@/pages/policies/edit')),
  page('/explain', () => import('@/pages/explain')),
  page('/requests', () => import('@/pages/requests/list')),
  page('/requests/new', () => import('@/pages/requests/new')),
  page('/requests/$request', () => import('@/pages/requests/detail')),
  page('/approval-rules', () => import('@/pages/requests/rules')),
  page('/sessions', () => import('@/pages/sessions/list')),
  page('/sessions/$session', () => import('@/pages/sessions/detail')),
  page('/search', () => import('@/pages/search')),
  page('/forwards', () => import('@/pages/forwards')),
  page('/audit', () => import('@/pages/audit')),
  page('/alerts', () => import('@/pages/alerts')),
  page('/blocks', () => import('@/pages/blocks')),
  page('/tokens', () => import('@/pages/tokens')),
  page('/settings', () => import('@/pages/settings')),
];

const open = [
  createRoute({ getParentRoute: () => root, path: '/sign-in', component: lazyRouteComponent(() => import('@/pages/sign-in')) }),
  createRoute({ getParentRoute: () => root, path: '/setup', component: lazyRouteComponent(() => import('@/pages/sign-in/setup')) }),
];

const forTerminals = [
  plain('/whoami', () => ({ to: '/my/access' })),
  plain('/p/list', () => ({ to: '/my/access' })),
  plain('/i/$server', ({ server }) => ({ to: '/my/access', search: { text: server } })),
  plain('/p/request/$protocol/$server', ({ protocol, server }, search) => ({
    to: '/requests/new',
    search: { protocol, server, reason: search.reason, for: search.for, login: search.login },
  })),
  plain('/p/add-ip/$address', ({ address }) => ({ to: '/requests/new', search: { kind: 'address', address } })),
  plain('/p/status/$request', ({ request }) => ({ to: `/requests/${request}` })),
];

export const routeTree = root.addChildren([shell.addChildren(pages), ...open, ...forTerminals]);
