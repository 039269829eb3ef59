/** The map of the shop. Loaders are here; pages but the first two are fetched when the browser is idle, or asked for. */
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { createQueryOptions } from '@connectrpc/connect-query';
import { createRootRoute, createRoute, createRouter, redirect } from '@tanstack/react-router';
import { queries, transport } from './api';
import { Persons } from './components/Persons';
import { Root } from './components/Root';
import { RouteFailure } from './components/RouteFailure';
import { WebService } from './gen/stoa/bff/web/v1/web_pb';
import { lazyPage } from './lazy-page';
import { askForOrder } from './orders/whose';
import { HomeBones, OrderBones, OrdersBones, PersonBones, ProductBones } from './pages/bones';
import Home from './pages/Home';
import { NotFound } from './pages/NotFound';
import Search from './pages/Search';
import { currentSession, sessionKnown } from './session/session';
import { cart as held } from './stores/cart';

/** Has a page's data ready before the page is shown; pointing at a link is reason enough to ask. */
async function load<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  input: MessageInitShape<I>,
): Promise<MessageShape<O>> {
  await sessionKnown();
  return queries.ensureQueryData(createQueryOptions(method, input, { transport }));
}

/** Leads a stranger to the sign-in and back. */
async function onlyPersons({ location }: { location: { href: string } }): Promise<void> {
  await sessionKnown();
  const { kind } = currentSession();
  if (kind === 'unknown') throw new ConnectError('the session could not be renewed', Code.Unavailable);
  if (kind === 'stranger') throw redirect({ to: '/account/sign-in', search: { next: location.href } });
}

/** Leads a person onwards from a form that makes one; so does the form itself, as soon as it has. */
async function onlyStrangers({ search }: { search: { next?: string | undefined } }): Promise<void> {
  await sessionKnown();
  if (currentSession().kind === 'person') throw redirect({ href: search.next ?? '/' });
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** Addresses as people write them: every parameter is a word, none is JSON. */
function stringifySearch(search: Record<string, unknown>): string {
  const words = Object.entries(search).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  const written = new URLSearchParams(words).toString();
  return written ? `?${written}` : '';
}

/**
 * A way back within the shop; never to another site. What is refused is named `undefined`: a key that is left out
 * would let the address's own through.
 */
function nextOf(search: Record<string, unknown>): { next?: string | undefined } {
  const next = text(search.next);
  if (!next?.startsWith('/')) return { next: undefined };
  try {
    // Read as the browser would read it, and written as an address has to be.
    const { origin, pathname, search: query, hash } = new URL(next, location.origin);
    const within = origin === location.origin && !pathname.startsWith('//');
    return { next: within ? pathname + query + hash : undefined };
  } catch {
    return { next: undefined };
  }
}

const root = createRootRoute({ component: Root, notFoundComponent: NotFound });

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  loader: async () => {
    await sessionKnown();
    const page = load(WebService.method.getHome, {});
    // A stranger's front page does not wait, and says itself what went wrong.
    if (currentSession().kind === 'person') await page;
    else page.catch(() => undefined);
  },
  pendingComponent: HomeBones,
  // Most visits begin here or with a search: a second round trip would be seen, so both are in the first bundle.
  component: Home,
});

/** What is left of an address that somebody shortened leads to everything there is. */
const shortened = ['/shop', '/shop/products'].map((path) =>
  createRoute({
    getParentRoute: () => root,
    path,
    beforeLoad: () => {
      throw redirect({ to: '/shop/search', replace: true });
    },
  }),
);

const search = createRoute({
  getParentRoute: () => root,
  path: '/shop/search',
  validateSearch: (raw: Record<string, unknown>): { query?: string | undefined; category?: string | undefined } => ({
    query: text(raw.query),
    category: text(raw.category),
  }),
  component: Search,
});

const product = createRoute({
  getParentRoute: () => root,
  path: '/shop/products/$sku',
  loader: ({ params }) => load(WebService.method.getProductPage, { sku: params.sku }),
  pendingComponent: ProductBones,
  component: lazyPage(() => import('./pages/Product')),
});

const cart = createRoute({
  getParentRoute: () => root,
  path: '/shop/cart',
  // Asked while the code is on its way; the page says itself what went wrong.
  loader: () => {
    const items = held.get();
    if (items.length > 0) load(WebService.method.getCartPage, { items: [...items] }).catch(() => undefined);
  },
  component: lazyPage(() => import('./pages/Cart')),
});

/** What is somebody's own. */
const persons = createRoute({
  getParentRoute: () => root,
  id: 'persons',
  beforeLoad: onlyPersons,
  pendingComponent: PersonBones,
  component: Persons,
});

const checkout = createRoute({
  getParentRoute: () => persons,
  path: '/shop/checkout',
  component: lazyPage(() => import('./pages/Checkout')),
});

const returns = createRoute({
  getParentRoute: () => root,
  path: '/shop/returns',
  component: lazyPage(() => import('./pages/Returns')),
});

const contact = createRoute({
  getParentRoute: () => root,
  path: '/shop/contact',
  component: lazyPage(() => import('./pages/Contact')),
});

const privacy = createRoute({
  getParentRoute: () => root,
  path: '/shop/privacy',
  component: lazyPage(() => import('./pages/Privacy')),
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/account/sign-in',
  validateSearch: nextOf,
  beforeLoad: onlyStrangers,
  component: lazyPage(() => import('./pages/SignIn')),
});

const signUp = createRoute({
  getParentRoute: () => root,
  path: '/account/sign-up',
  validateSearch: nextOf,
  beforeLoad: onlyStrangers,
  component: lazyPage(() => import('./pages/SignUp')),
});

const forgotPassword = createRoute({
  getParentRoute: () => root,
  path: '/account/forgot-password',
  component: lazyPage(() => import('./pages/ForgotPassword')),
});

/** For whoever follows the link of a letter, signed in or not. What the link knows stands behind its `#`. */
const resetPassword = createRoute({
  getParentRoute: () => root,
  path: '/account/reset-password',
  component: lazyPage(() => import('./pages/ResetPassword')),
});

const account = createRoute({
  getParentRoute: () => persons,
  path: '/account',
  component: lazyPage(() => import('./pages/Account')),
});

const orders = createRoute({
  getParentRoute: () => persons,
  path: '/account/orders',
  pendingComponent: OrdersBones,
  component: lazyPage(() => import('./pages/Orders')),
});

const order = createRoute({
  getParentRoute: () => persons,
  path: '/account/orders/$orderId',
  loader: ({ params: { orderId } }) => askForOrder(orderId, () => load(WebService.method.getOrderPage, { orderId })),
  // What was asked, heard or failed on one order's page is nothing of another order's.
  remountDeps: ({ params }) => params.orderId,
  pendingComponent: OrderBones,
  component: lazyPage(() => import('./pages/Order')),
});

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    ...shortened,
    search,
    product,
    cart,
    returns,
    contact,
    privacy,
    signIn,
    signUp,
    forgotPassword,
    resetPassword,
    persons.addChildren([checkout, account, orders, order]),
  ]),
  parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch,
  defaultPreload: 'intent',
  defaultPreloadStaleTime: 0,
  defaultPendingMs: 150,
  defaultPendingMinMs: 250,
  defaultErrorComponent: RouteFailure,
  scrollRestoration: true,
});

/** Whether the page that is open is somebody's own. */
export const atPrivatePage = (): boolean => router.state.matches.some(({ routeId }) => routeId === persons.id);

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
