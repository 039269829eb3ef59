/** What the server knows of a person, asked past the pages. */
import { randomUUID } from 'node:crypto';
import { PASSWORD, type Person } from './visit.ts';

export interface Order {
  readonly id: string;
  /** Such as `ORDER_STATUS_CONFIRMED`. */
  readonly status: string;
}

const TRIES_MAX = 5;
const signedIn = new Map<string, { id: string; token: string }>();

/** All orders of this person, the newest first. */
export async function ordersOf(url: string, who: Person): Promise<Order[]> {
  const { token } = await enter(url, who);
  const orders: Order[] = [];
  let pageToken = '';
  do {
    const page = await call<{ orders?: Order[]; nextPageToken?: string }>(
      url,
      'stoa.bff.web.v1.WebService/GetOrdersPage',
      { pageSize: 100, pageToken },
      token,
    );
    orders.push(...(page.orders ?? []));
    pageToken = page.nextPageToken ?? '';
  } while (pageToken);
  return orders;
}

/** Buys one piece in this person's name, as another device would. */
export async function order(url: string, who: Person, sku: string, method = 'tok_ok'): Promise<string> {
  const { id, token } = await enter(url, who);
  const answer = await call<{ order: Order }>(
    url,
    'stoa.order.v1.OrderService/CreateOrder',
    { customerId: id, items: [{ sku, quantity: 1 }], paymentMethod: { token: method } },
    token,
    { 'idempotency-key': randomUUID() },
  );
  return answer.order.id;
}

/** Signs in from another device, which does nothing more. */
export async function signInElsewhere(url: string, who: Person): Promise<void> {
  await call(url, 'stoa.user.v1.AuthService/SignIn', { email: who.email, password: PASSWORD });
}

/** Makes an account that no browser knows yet. */
export async function enrol(url: string, who: Person): Promise<Person> {
  await call(url, 'stoa.user.v1.AuthService/SignUp', { ...who, password: PASSWORD });
  return who;
}

/** A call as the one who keeps the demo shop. */
export async function asKeeper<T>(url: string, method: string, body: unknown): Promise<T> {
  const { tokens } = await call<{ tokens: { accessToken: string } }>(url, 'stoa.user.v1.AuthService/SignIn', {
    email: 'operator@stoa.test',
    password: 'stoa-demo',
  });
  return call<T>(url, method, body, tokens.accessToken, { 'idempotency-key': randomUUID() });
}

/** A session of the test's own beside the browser's; one per person lasts as long as a test. */
async function enter(url: string, who: Person): Promise<{ id: string; token: string }> {
  const held = signedIn.get(who.email);
  if (held) return held;
  const answer = await call<{ user: { id: string }; tokens: { accessToken: string } }>(
    url,
    'stoa.user.v1.AuthService/SignIn',
    { email: who.email, password: PASSWORD },
  );
  const session = { id: answer.user.id, token: answer.tokens.accessToken };
  signedIn.set(who.email, session);
  return session;
}

async function call<T>(
  url: string,
  method: string,
  body: unknown,
  token?: string,
  more: Record<string, string> = {},
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    const answer = await fetch(`${url}/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}), ...more },
      body: JSON.stringify(body),
    });
    if (answer.ok) return (await answer.json()) as T;
    // A service that was just revived may refuse its first callers; everything else is an answer.
    if (answer.status !== 503 || tries === TRIES_MAX)
      throw new Error(`${method} answered ${answer.status}: ${await answer.text()}`);
  }
}
