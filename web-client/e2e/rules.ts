/**
 * What holds after everything that a visitor does, whatever it was. The census of controls and the random walks share
 * these rules; `sabotage.spec.ts` shows of each that it can turn red.
 */
import { expect, type Page } from '@playwright/test';
import type { Person } from './visit.ts';

/** How long a page may take to come to rest. */
const QUIET_MS = 5_000;

export type Cart = ReadonlyMap<string, number>;

/** Somebody and what is theirs alone. */
export interface Private extends Person {
  readonly orders: readonly string[];
}

/** What must be true of a page now. */
export interface Truth {
  /** What the cart holds; without it the page must only agree with itself. */
  readonly cart?: Cart;
  /** People who are not signed in here: nothing of theirs may be seen. */
  readonly absent: readonly Private[];
  /** Whether something was just used, so that the focus must be on something. */
  readonly used: boolean;
}

/** What is seen of a page at one moment. */
interface Look {
  readonly address: string;
  readonly document: number;
  /** Every word a person or a screen reader could come upon, and every address a link leads to. */
  readonly words: string;
  readonly heading: string;
  readonly busy: readonly string[];
  readonly stored: string | null;
  readonly badge: string;
  readonly lines: readonly (readonly [sku: string, quantity: string])[] | undefined;
  readonly focused: boolean;
  readonly wide: number;
}

/** Where the focus was before something was done, to know whether it was lost by it. */
export type Focus = Pick<Look, 'document' | 'focused'>;

export async function focusOf(page: Page): Promise<Focus> {
  const { document, focused } = await look(page);
  return { document, focused };
}

/**
 * Waits until the page is at rest and every rule holds, and fails with the rules that do not. They must hold twice with
 * a picture painted in between: a page that only passes by a good state is not at rest.
 */
export async function holds(page: Page, truth: Truth, before?: Focus, quietMs = QUIET_MS): Promise<void> {
  await expect
    .poll(
      async () => {
        const told = broken(await look(page), truth, before);
        return told.length > 0 ? told : broken(await look(page), truth, before);
      },
      {
        timeout: quietMs,
        intervals: [20, 50, 100, 200],
        message: `the rules at ${page.url()}`,
      },
    )
    .toEqual([]);
}

/** The rules that a page breaks, each as a sentence. */
function broken(seen: Look, truth: Truth, before: Focus | undefined): string[] {
  const told: string[] = [];
  if (!isShop(seen.address)) told.push(`the shop was left for ${seen.address}`);
  if (/Something broke/i.test(seen.words)) told.push('a page is broken: it says "Something broke"');
  if (seen.heading === '') told.push('the page has no heading');
  for (const name of seen.busy) told.push(`a skeleton stays: ${name}`);
  if (seen.wide > 0) told.push(`the page scrolls sideways by ${seen.wide} px`);
  const sameDocument = before?.document === seen.document;
  if (!seen.focused && sameDocument && (truth.used || before.focused)) told.push('the focus fell to the body');
  for (const who of truth.absent) told.push(...tracesOf(who, seen.words));
  told.push(...wrongCart(seen, truth.cart));
  return told;
}

/** Every shop of a test runs on this machine, and nothing else that a page could lead to. */
function isShop(address: string): boolean {
  const base = process.env.BASE_URL ?? 'http://localhost';
  return new URL(address).protocol !== 'chrome-error:' && new URL(address).hostname === new URL(base).hostname;
}

function tracesOf({ name, email, orders }: Private, words: string): string[] {
  return [name, email, ...orders]
    .filter((trace) => words.includes(trace))
    .map((trace) => `"${trace}" is shown to somebody else`);
}

function wrongCart(seen: Look, truth: Cart | undefined): string[] {
  const told: string[] = [];
  const kept = new Map(parsed(seen.stored).map(({ sku, quantity }) => [sku, quantity]));
  const cart = truth ?? kept;
  const [stored, wanted] = [written(kept), written(cart)];
  if (stored !== wanted) told.push(`the cart is [${stored}] and should be [${wanted}]`);
  const pieces = [...cart.values()].reduce((sum, quantity) => sum + quantity, 0);
  const shown = /\d+/.exec(seen.badge)?.[0];
  if (shown !== String(pieces)) told.push(`the badge says "${seen.badge}" and the cart has ${pieces} pieces`);
  if (seen.lines) {
    const lines = written(new Map(seen.lines.map(([sku, quantity]) => [sku, Number(quantity)])));
    if (lines !== wanted) told.push(`the cart's page shows [${lines}] and should show [${wanted}]`);
  }
  return told;
}

const written = (cart: Cart): string => [...cart].map(([sku, quantity]) => `${quantity} ${sku}`).join(', ');

function parsed(stored: string | null): { sku: string; quantity: number }[] {
  return (JSON.parse(stored ?? '[]') ?? []) as { sku: string; quantity: number }[];
}

const NOWHERE: Look = {
  address: 'about:blank',
  document: 0,
  words: '',
  heading: '',
  busy: ['the page itself'],
  stored: null,
  badge: '',
  lines: undefined,
  focused: false,
  wide: 0,
};

/** Looks at a page; one that is just being left cannot be looked at, and counts as not at rest. */
async function look(page: Page): Promise<Look> {
  if (!/^https?:/.test(page.url())) return { ...NOWHERE, address: page.url() };
  return page.evaluate(seen).catch((error: Error) => {
    if (/navigat|context was destroyed|Target.*closed/i.test(error.message)) return NOWHERE;
    throw error;
  });
}

/** Runs in the page, after the next picture was painted; a tab behind another may paint none. */
async function seen(): Promise<Look> {
  await new Promise<void>((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, 100);
  });
  const attributes = (element: Element): string[] =>
    ['aria-label', 'aria-description', 'alt', 'title', 'placeholder'].map((name) => element.getAttribute(name) ?? '');
  const all = [...document.querySelectorAll('body *')];
  // A way back after signing in names the page one wanted, which the visitor typed or kept: it is no page's word.
  const addresses = all.map((element) => (element.getAttribute('href') ?? '').replace(/\bnext=.*/, ''));
  const values = all.map((element) => (element instanceof HTMLInputElement ? element.value : ''));
  const busy = [
    ...document.querySelectorAll('[data-skeleton], main .animate-shimmer, main .animate-spin, main [aria-busy=true]'),
  ].map(
    (element) => element.getAttribute('aria-label') ?? element.parentElement?.textContent ?? 'something that is busy',
  );
  const fields = [...document.querySelectorAll<HTMLInputElement>('main li [role=group] input')];
  const skuOf = (element: Element): string =>
    /products\/([^/?#]+)/.exec(
      element.closest('li')?.querySelector('a[href*="/shop/products/"]')?.getAttribute('href') ?? '',
    )?.[1] ?? '';
  return {
    address: location.href,
    document: performance.timeOrigin,
    words: [document.title, document.body.textContent, ...all.flatMap(attributes), ...values, ...addresses].join('\n'),
    heading: document.querySelector('h1')?.textContent ?? '',
    busy,
    stored: localStorage.getItem('stoa.cart'),
    badge: document.querySelector('header a[href="/shop/cart"]')?.getAttribute('aria-label') ?? '',
    lines:
      location.pathname === '/shop/cart' && !document.querySelector('main [role=alert]')
        ? fields.map((field) => [skuOf(field), field.value] as const)
        : undefined,
    focused: document.activeElement !== null && document.activeElement !== document.body,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
}
