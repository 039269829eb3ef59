/**
 * A census: whatever can be used on a page is used twice in a row, signed out and signed in, and every rule holds after
 * each use. Controls are found by what they are and not by a list, so that a new one cannot be forgotten. Things of one
 * kind, as the products of a shelf, stand for each other. What stands around every page, its head and its foot, is used
 * around the front page; and a page that is everybody's is used by a stranger, whoever is signed in uses one of those
 * that differ. SIZE=whole uses it all everywhere, three times in a row.
 */
import { randomUUID } from 'node:crypto';
import type { BrowserContext } from '@playwright/test';
import { enrol, order, signInElsewhere } from './account.ts';
import { expect, type Page, test } from './fixtures.ts';
import { focusOf, holds, type Private } from './rules.ts';
import { inTurn, isWhole } from './size.ts';
import { checkout, leaveAttempt, settled, signIn, somebody } from './visit.ts';

const TIMES = isWhole ? 3 : 2;
const WORDS = ['lamp', 'mug', 'oak'];
const NUMBERS = ['2', '3', '4'];
const CART = JSON.stringify([
  { sku: 'MUG-STR-01', quantity: 2 },
  { sku: 'BAG-TOT-01', quantity: 1 },
]);

interface State {
  readonly name: string;
  /**
   * Comes to the state anew, whatever was done before; `another` signs in on another device, orders something there and
   * answers the order's id.
   */
  open(page: Page, another: () => Promise<string>): Promise<unknown>;
  /** What the state itself writes to the console. */
  readonly provokes?: RegExp;
}

const at = (name: string, path: string): State => ({ name, open: (page) => page.goto(path) });

/** A page with things in the cart. */
const filled = (name: string, path: string): State => ({
  name,
  async open(page) {
    if (!page.url().startsWith('http')) await page.goto('/shop/returns');
    await page.evaluate((cart) => localStorage.setItem('stoa.cart', cart), CART);
    await page.goto(path);
  },
});

const FRONT = at('the front page', '/');

const PUBLIC: readonly State[] = [
  FRONT,
  at('everything', '/shop/search'),
  at('a search', '/shop/search?query=lamp&category=Lighting'),
  at('a search without a result', '/shop/search?query=zzzz&category=Lighting'),
  at('a product', '/shop/products/MUG-STR-02'),
  at('a product that is sold out', '/shop/products/LMP-MSH-03'),
  at('an empty cart', '/shop/cart'),
  filled('a cart', '/shop/cart'),
  at('no page', '/shop/no-such-page'),
  at('too long a search', `/shop/search?query=${'a'.repeat(300)}`),
  at('returns', '/shop/returns'),
  at('contact', '/shop/contact'),
  at('privacy', '/shop/privacy'),
  {
    name: 'a cart that ran out',
    async open(page) {
      await page.goto('/shop/cart');
      await page.evaluate(() => localStorage.setItem('stoa.cart', '[{"sku":"CHR-LNG-04","quantity":90}]'));
      await page.reload();
      await page.getByRole('button', { name: /^Take the/ }).waitFor();
    },
  },
  {
    name: 'a page out of reach',
    provokes: /Failed to load resource/,
    async open(page) {
      const route = /GetProductPage$/;
      await page.unroute(route);
      await page.route(route, (asked) =>
        asked.fulfill({ status: 503, contentType: 'application/json', body: '{"code":"unavailable"}' }),
      );
      await page.goto('/shop/products/VAS-AMP-01');
      await page.getByRole('alert').waitFor();
    },
  },
];

const STRANGERS: readonly State[] = [
  ...PUBLIC,
  at('the sign-in', '/account/sign-in?next=/shop/cart'),
  at('the sign-up', '/account/sign-up'),
];

/** Whoever is signed in finds the same pages, but for these, of which each commit takes another. */
const KNOWN = inTurn(['the front page', 'a cart', 'a product']);

let unanswered = 0;

const PERSONS: readonly State[] = [
  ...PUBLIC.filter(({ name }) => isWhole || name === KNOWN),
  {
    // A session that was ended is not there again; another is.
    name: 'the account',
    async open(page, another) {
      await another();
      await page.goto('/account');
    },
  },
  at('the orders', '/account/orders'),
  at('an empty checkout', '/shop/checkout'),
  filled('the checkout', '/shop/checkout'),
  {
    name: 'a declined payment',
    provokes: /CreateOrder/,
    async open(page, another) {
      await filled('', '/shop/checkout').open(page, another);
      await (await checkout(page, 'The card that declines')).click();
      await page.getByRole('alert').waitFor();
    },
  },
  {
    name: 'an unanswered payment',
    async open(page) {
      await page.goto('/shop/checkout');
      // Each time another number of pieces: one that was finished is an order, and would be found.
      unanswered += 1;
      await leaveAttempt(page, 10 * 60_000, [{ sku: 'MUG-STR-03', quantity: unanswered }]);
      await page.reload();
      await page.getByRole('heading', { name: 'No order has come of this payment' }).waitFor();
    },
  },
  {
    name: 'an order',
    open: async (page, another) => page.goto(`/account/orders/${await another()}`),
  },
];

for (const state of STRANGERS) {
  test(`signed out: ${state.name}`, async ({ page, complaints, expects }) => {
    if (state.provokes) expects.push(state.provokes);
    const another = () => Promise.reject(new Error('nobody is here who could order'));
    await census({ page, state, who: undefined, another, complaints, expects });
  });
}

for (const state of PERSONS) {
  test(`signed in: ${state.name}`, async ({ page, shop, complaints, expects }) => {
    if (state.provokes) expects.push(state.provokes);
    // A name in one word, which no page cuts.
    const who = await enrol(shop.url, { ...somebody(), name: `Vale${randomUUID().slice(0, 8)}` });
    const orders: string[] = [];
    const another = async (): Promise<string> => {
      await signInElsewhere(shop.url, who);
      const id = await order(shop.url, who, 'NTB-SFT-01');
      orders.push(id);
      return id;
    };
    await another();
    await census({ page, state, who: { ...who, orders }, another, complaints, expects });
  });
}

interface Control {
  /** Where it stands, what it is and what it does, without what differs from one of its kind to the next. */
  readonly kind: string;
  /** Its place among all that can be used. */
  readonly index: number;
  readonly role: string;
  readonly seen: boolean;
  /** Whether it is the very one that was used last; its name may have changed by that. */
  readonly last: boolean;
}

/** Whether it stands around every page. */
const isAround = (kind: string): boolean => !kind.startsWith('main ');

/** So many uses may lead from a state to a control that only they bring forth, such as a question whether one is sure. */
const TRAIL_MAX = 2;

interface Use {
  readonly kind: string;
  readonly times: number;
}

interface Taken {
  readonly page: Page;
  readonly state: State;
  /** Who is signed in. */
  readonly who: Private | undefined;
  readonly another: () => Promise<string>;
  readonly complaints: readonly string[];
  readonly expects: readonly RegExp[];
}

/** Uses every kind of control of the state so many times in a row. */
async function census({ page, state, who, another, complaints, expects }: Taken): Promise<void> {
  test.setTimeout(240_000);
  const arrive = async (): Promise<void> => {
    if (who && !(await isSignedIn(page.context()))) await signIn(page, who);
    await state.open(page, another);
    await settled(page);
  };
  await arrive();
  const address = page.url();

  /** Every kind, with the uses that bring it forth. */
  const trails = new Map<string, readonly Use[]>();
  const note = async (trail: readonly Use[]): Promise<void> => {
    if (trail.length > TRAIL_MAX || page.url() !== address) return;
    for (const { kind } of await controls(page)) {
      if (isAround(kind) && !isWhole && state !== FRONT) continue;
      if (!trails.has(kind)) trails.set(kind, trail);
    }
  };
  const find = async (kind: string): Promise<Control | undefined> => {
    const all = await controls(page);
    return all.find(({ last }) => last) ?? all.find((one) => one.kind === kind);
  };
  /** One that was there may be away while the page hears of what was done. */
  const again = async (kind: string): Promise<Control> => {
    let there: Control | undefined;
    await expect(async () => {
      there = await find(kind);
      expect(there, `${kind} was there once and is not again`).toBeDefined();
    }).toPass({ timeout: 5_000 });
    return there as Control;
  };
  /** How often the kind was used since the page was opened anew. */
  let used = 0;
  const reach = async (kind: string, trail: readonly Use[]): Promise<Control> => {
    const here = await find(kind);
    if (here) return here;
    used = 0;
    await arrive();
    for (const leading of trail) {
      await forget(page);
      for (let time = 0; time < leading.times; time += 1) await use(page, await again(leading.kind), time, who);
    }
    await forget(page);
    return again(kind);
  };

  await note([]);
  expect(trails.size, 'a page without controls').toBeGreaterThan(0);
  for (const [kind, trail] of trails) {
    await test.step([...trail.map((leading) => leading.kind), kind].join(' → '), async () => {
      await forget(page);
      used = 0;
      for (let time = 0; time < TIMES; time += 1) {
        await use(page, await reach(kind, trail), time, who);
        used += 1;
        await note([...trail, { kind, times: used }]);
        const left = complaints.filter((text) => !expects.some((pattern) => pattern.test(text)));
        expect(left, `the console of the browser after ${kind}`).toEqual([]);
      }
    });
  }
}

/** Uses a control as its kind is used; what led away is followed by the way back. */
async function use(page: Page, control: Control, time: number, who: Private | undefined): Promise<void> {
  const one = page.locator(USABLE).nth(control.index);
  const before = await focusOf(page);
  const from = page.url();
  await one.evaluate((element) => element.setAttribute('data-last', ''));
  if (control.role === 'radio') {
    await one.locator('xpath=ancestor-or-self::label').click();
  } else if (control.role === 'number') {
    await one.fill(NUMBERS[time] ?? '');
    await one.press('Enter');
  } else if (control.role === 'text') {
    await one.fill(WORDS[time] ?? '');
  } else if (control.seen) {
    await one.click();
  } else {
    await one.focus();
    await page.keyboard.press('Enter');
  }
  await holds(page, { absent: await absent(page.context(), who), used: true }, before);
  if (control.role === 'link' && page.url() !== from) {
    await page.goBack();
    await holds(page, { absent: [], used: false });
  }
}

/** Whoever has no session any more has nothing to show here. */
async function absent(context: BrowserContext, who: Private | undefined): Promise<readonly Private[]> {
  return who && !(await isSignedIn(context)) ? [who] : [];
}

const isSignedIn = async (context: BrowserContext): Promise<boolean> =>
  (await context.cookies()).some(({ name }) => name === '__Host-sid');

/** Nothing was used yet. */
const forget = (page: Page): Promise<void> =>
  page.evaluate(() => {
    for (const used of document.querySelectorAll('[data-last]')) used.removeAttribute('data-last');
  });

const USABLE = [
  'a[href]',
  'button',
  'summary',
  'select',
  'textarea',
  'input:not([type=hidden])',
  ...['button', 'link', 'checkbox', 'switch', 'tab', 'menuitem', 'option', 'slider'].map((role) => `[role=${role}]`),
].join(',');

/** Everything on the page that can be used now. */
const controls = (page: Page): Promise<Control[]> =>
  page.evaluate((usable) => {
    const told = (text: string): string =>
      text
        .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '*')
        .replace(/products\/[^/?#]+/, 'products/*')
        .replace(/(query|category|next)=[^&]*/g, '$1=*')
        .replace(/\d+/g, '#')
        .trim();
    const roleOf = (element: Element): string => {
      if (element instanceof HTMLAnchorElement) return 'link';
      if (!(element instanceof HTMLInputElement)) return element.getAttribute('role') ?? element.tagName.toLowerCase();
      if (element.type === 'radio' || element.type === 'checkbox') return 'radio';
      return element.inputMode === 'numeric' || element.inputMode === 'decimal' ? 'number' : 'text';
    };
    const placeOf = (element: Element): string => {
      const region = element.closest('header, footer, main')?.tagName.toLowerCase() ?? 'body';
      const part = element.closest('[role=group], section, nav, ul, ol, form, details');
      return `${region} ${part?.tagName.toLowerCase() ?? ''}`;
    };
    const kindOf = (element: Element): string => {
      const thing = element.closest('li')?.querySelector('a')?.textContent?.trim();
      const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : null;
      const words = element.getAttribute('aria-label') ?? label ?? element.textContent ?? '';
      const name = thing ? words.replace(thing, '*') : words;
      const target = element.getAttribute('href') ?? (element instanceof HTMLInputElement ? element.value : '');
      return told(`${placeOf(element)} ${roleOf(element)} ${element instanceof HTMLAnchorElement ? target : name}`);
    };
    return [...document.querySelectorAll(usable)].flatMap((element, index) => {
      const box = element.getBoundingClientRect();
      const able =
        element.checkVisibility({ visibilityProperty: true }) && !element.matches(':disabled, [aria-hidden=true]');
      if (!able || element.closest('[aria-hidden=true]') || (element as HTMLElement).tabIndex < -1) return [];
      return [
        {
          kind: kindOf(element),
          index,
          role: roleOf(element),
          seen: box.width > 1 && box.height > 1,
          last: element.matches('[data-last]'),
        },
      ];
    });
  }, USABLE);
