/**
 * Everything that a visitor may do in the shop, one function each. A move knows what it should change and changes the
 * model; the rules then hold the page against it.
 */
import { randomUUID } from 'node:crypto';
import { expect, type Locator, type Page } from '@playwright/test';
import type { AsyncCommand } from 'fast-check';
import { ordersOf } from '../account.ts';
import { focusOf, holds } from '../rules.ts';
import { PASSWORD } from '../visit.ts';
import type { Account, Model, Real } from './model.ts';

const PIECES_MAX = 100;
const LINES_MAX = 100;
const PAID_MS = 20_000;

/** What the browser itself writes to the console when a request gets no good answer. */
const LOST = /Failed to load resource|net::ERR_/;

interface Deed {
  /** Whether it can be done now, as far as the model knows. */
  readonly can?: (model: Model) => boolean;
  /** Whether something on the page is used by it, so that the focus must be somewhere afterwards. */
  readonly uses?: boolean;
  /** Complaints of the console that it provokes. */
  readonly provokes?: RegExp;
  /** Does it; answers `idle` if there was nothing to do it with. */
  readonly act: (model: Model, real: Real) => Promise<unknown>;
}

export type Move = AsyncCommand<Model, Real>;

/** As a hand does between two presses; so fast as a walk goes, the next would else be half of a double click. */
const lift = (page: Page): Promise<void> => page.mouse.move(0, 0);

/** A move by this name and with these arguments, after which every rule holds in every tab. */
const move = (
  name: string,
  args: readonly unknown[],
  { can = () => true, uses = true, provokes, act }: Deed,
): Move => ({
  check: (model) => model.steps < model.stepsMax && can(model),
  toString: () => `${name}(${args.map((one) => JSON.stringify(one)).join(', ')})`,
  async run(model, real) {
    const front = real.page;
    const place = front.url();
    const before = await focusOf(front);
    const offline = !model.online;
    model.steps += 1;
    await lift(front);
    const idle = (await act(model, real)) === 'idle';
    if (idle) model.idle.push(name);
    const used = !idle && uses;
    const stayed = real.page === front && new URL(front.url()).pathname === new URL(place).pathname;
    for (const tab of real.tabs) {
      const same = tab === front && real.page === front;
      await holds(tab, truth(model, used && same), same ? before : undefined, real.quietMs);
    }
    if (!stayed || (await focusOf(real.page)).document !== before.document) model.taken = [];
    model.place = new URL(real.page.url()).pathname;
    const allowed = [...(provokes ? [provokes] : []), ...(offline || !model.online ? [LOST] : [])];
    const complaints = real.complaints.splice(0).filter((text) => !allowed.some((pattern) => pattern.test(text)));
    expect(complaints, 'the console of the browser complains').toEqual([]);
  },
});

const truth = ({ cart, people, who }: Model, used: boolean) => ({
  cart,
  absent: people.filter((one) => one !== who),
  used,
});

const nth = <T>(items: readonly T[], n: number): T | undefined => items[n % items.length];

/** Presses what was just seen; what goes before the press, as when a page gives up waiting, is pressed by nobody. */
async function pressed(seen: Locator): Promise<boolean> {
  const element = await seen.elementHandle({ timeout: 1_000 }).catch(() => null);
  if (!element) return false;
  try {
    await element.click();
    return true;
  } catch (error) {
    if (await element.isVisible()) throw error;
    return false;
  }
}

const online = (model: Model): boolean => model.online;
const isProduct = ({ place }: Model): boolean => place.startsWith('/shop/products/');
const isCart = ({ place }: Model): boolean => place === '/shop/cart';

/** Follows one of the links that are seen, whichever it is. */
export const follow = (n: number): Move =>
  move('follow', [n], {
    async act(_model, { page }) {
      const links = await page.locator('a[href^="/"]:visible').all();
      const link = nth(links, n);
      if (!link || !(await pressed(link))) return 'idle';
    },
  });

/** Goes to a page by a link if there is one here, else by its address. */
export const visit = (path: string): Move =>
  move('visit', [path], {
    can: online,
    async act(_model, { page }) {
      const link = page.locator(`a[href="${path}"]:visible`).first();
      if ((await link.count()) > 0) await link.click();
      else await page.goto(path);
    },
  });

/** Presses one of the buttons that change nothing that the model knows, or opens what can be opened. */
export const press = (n: number): Move =>
  move('press', [n], {
    async act(_model, { page }) {
      const known =
        /theme|cart|remove|put back|take the|pay|cancel|sign|make the account|increase|decrease|yes|keep|again/i;
      const buttons: Locator[] = [];
      for (const button of await page.locator('button:enabled:visible, summary:visible').all()) {
        const name = `${await button.getAttribute('aria-label')} ${await button.textContent()}`;
        if (!known.test(name)) buttons.push(button);
      }
      const button = nth(buttons, n);
      if (!button || !(await pressed(button))) return 'idle';
    },
  });

export const search = (words: string): Move =>
  move('search', [words], {
    async act(_model, { page }) {
      const field = page.getByRole('searchbox');
      await field.fill(words);
      await page.waitForURL((url) => (url.searchParams.get('query') ?? '') === words.trim(), { waitUntil: 'commit' });
    },
  });

export const reload = (): Move =>
  move('reload', [], {
    can: online,
    uses: false,
    act: async (_model, { page }) => void (await page.reload({ waitUntil: 'domcontentloaded' })),
  });

/** Back or forward in the history, which for the shop ends at its first page: before it is the tab's empty one. */
export const history = (way: 'back' | 'forward'): Move =>
  move('history', [way], {
    can: online,
    uses: false,
    async act(_model, { page }) {
      const open = await page.evaluate(
        (way) => (way === 'back' ? window.navigation.canGoBack : window.navigation.canGoForward),
        way,
      );
      if (!open) return 'idle';
      await (way === 'back' ? page.goBack : page.goForward).call(page, { waitUntil: 'commit' });
    },
  });

export const theme = (): Move =>
  move('theme', [], { act: (_model, { page }) => page.getByRole('button', { name: /theme/ }).click() });

export const resize = (width: number): Move =>
  move('resize', [width], {
    uses: false,
    act: (_model, { page }) => page.setViewportSize({ width, height: width < 500 ? 740 : 900 }),
  });

/** Puts as many into the cart as the page's field says. */
export const add = (): Move =>
  move('add', [], {
    can: (model) => isProduct(model) && model.cart.size < LINES_MAX,
    async act(model, { page }) {
      const button = page.locator('main').getByRole('button', { name: /^(Add to cart|In the cart)$/ });
      if ((await button.count()) === 0 || (await button.isDisabled())) return 'idle';
      const quantity = Number(await page.locator('main [role=group] input').inputValue());
      const sku = new URL(page.url()).pathname.split('/').at(-1) ?? '';
      await button.click();
      model.cart.set(sku, Math.min(PIECES_MAX, (model.cart.get(sku) ?? 0) + quantity));
    },
  });

type Way = 'more' | 'less' | 'ArrowUp' | 'ArrowDown' | 'Home' | 'PageUp';

/** Changes how many by a button or a key, so many times in a row. */
export const step = (n: number, way: Way, times: number): Move =>
  move('step', [n, way, times], {
    can: (model) => isProduct(model) || isCart(model),
    async act(model, { page }) {
      const group = nth(await page.locator('main [role=group]:has(input)').all(), n);
      if (!group) return 'idle';
      const field = group.locator('input');
      const change = { more: 1, ArrowUp: 1, less: -1, ArrowDown: -1, Home: 0, PageUp: 0 }[way];
      const button = group.getByRole('button').nth(change > 0 ? 1 : 0);
      for (let i = 0; i < times; i += 1) {
        const before = await field.inputValue();
        // At its bound a quantity stays what it is.
        const bound = change !== 0 && (await button.isDisabled());
        if (way !== 'more' && way !== 'less') await field.press(way);
        else if (!bound) await button.click();
        else return i === 0 ? 'idle' : undefined;
        if (change !== 0) await expect(field).toHaveValue(bound ? before : String(Number(before) + change));
        await learn(model, field);
      }
    },
  });

/** Writes a number, or something else, into the field of a quantity. */
export const write = (n: number, text: string, end: 'Enter' | 'Tab'): Move =>
  move('write', [n, text, end], {
    can: (model) => isProduct(model) || isCart(model),
    async act(model, { page }) {
      const field = nth(await page.locator('main [role=group] input').all(), n);
      if (!field) return 'idle';
      await field.fill(text);
      await field.press(end);
      // On a product's page the stock is the bound, which the model does not know.
      if (/^\d+$/.test(text) && isCart(model))
        await expect(field).toHaveValue(String(Math.min(PIECES_MAX, Math.max(1, Number(text)))));
      await learn(model, field);
    },
  });

/** A field of a quantity always holds a whole number that can be bought; in the cart that is what the cart has. */
async function learn(model: Model, field: Locator): Promise<void> {
  await expect(field).toHaveValue(/^([1-9]\d?|100)$/);
  if (!isCart(model)) return;
  const href = await field.evaluate((input) =>
    input.closest('li')?.querySelector('a[href*="/shop/products/"]')?.getAttribute('href'),
  );
  model.cart.set(href?.split('/').at(-1) ?? '', Number(await field.inputValue()));
}

export const remove = (n: number): Move =>
  move('remove', [n], {
    can: (model) => isCart(model) && model.cart.size > 0,
    async act(model, { page }) {
      const line = nth([...model.cart], n);
      if (!line) return 'idle';
      const row = page.locator('main li', { has: page.locator(`a[href$="/shop/products/${line[0]}"]`) });
      await row.getByRole('button', { name: /^Remove/ }).click();
      model.cart.delete(line[0]);
      model.taken.push(line);
    },
  });

export const putBack = (): Move =>
  move('putBack', [], {
    can: (model) => isCart(model) && model.taken.length > 0,
    async act(model, { page }) {
      const button = page.getByRole('button', { name: /^Put back/ });
      if ((await button.count()) === 0) return 'idle';
      await button.click();
      // What comes back stands where the page puts it: the order of lines is no promise.
      const stored = await page.evaluate(
        () => JSON.parse(localStorage.getItem('stoa.cart') ?? '[]') as { sku: string; quantity: number }[],
      );
      const wanted = new Map([...model.cart, ...model.taken]);
      expect(
        Object.fromEntries(stored.map(({ sku, quantity }) => [sku, quantity])),
        'the cart after putting back',
      ).toEqual(Object.fromEntries(wanted));
      model.cart.clear();
      for (const { sku, quantity } of stored) model.cart.set(sku, quantity);
      model.taken = [];
    },
  });

export const openTab = (): Move =>
  move('openTab', [], {
    can: (model) => model.online && model.tabs < 2,
    uses: false,
    async act(model, real) {
      const { pathname, search } = new URL(real.page.url());
      real.page = await real.context.newPage();
      real.tabs.push(real.page);
      await real.page.goto(pathname + search);
      model.tabs += 1;
    },
  });

export const switchTab = (): Move =>
  move('switchTab', [], {
    can: (model) => model.tabs > 1,
    uses: false,
    async act(_model, real) {
      real.page = real.tabs.find((tab) => tab !== real.page) ?? real.page;
      await real.page.bringToFront();
    },
  });

export const closeTab = (): Move =>
  move('closeTab', [], {
    can: (model) => model.tabs > 1,
    uses: false,
    async act(model, real) {
      const closed = real.page;
      real.tabs.splice(real.tabs.indexOf(closed), 1);
      real.page = real.tabs[0] ?? closed;
      await closed.close();
      model.tabs -= 1;
    },
  });

const strange = (model: Model): boolean => model.online && model.who === undefined;
const personal = (model: Model): boolean => model.online && model.who !== undefined;

export const signUp = (): Move =>
  move('signUp', [], {
    can: (model) => strange(model) && model.people.length < 3,
    async act(model, { page }) {
      const letters = randomUUID().slice(0, 8);
      const who: Account = { name: `Vale${letters}`, email: `walker-${letters}@example.com`, orders: [], paid: 0 };
      await page.locator('header a[href^="/account/sign-in"]').click();
      await page.locator('main a[href^="/account/sign-up"]').click();
      await page.getByLabel('Name').fill(who.name);
      await enter(page, who, /^Make the account/);
      model.people.push(who);
      model.who = who;
    },
  });

export const signIn = (n: number): Move =>
  move('signIn', [n], {
    can: (model) => strange(model) && model.people.length > 0,
    async act(model, { page }) {
      const who = nth(model.people, n);
      if (!who) return 'idle';
      await page.locator('header a[href^="/account/sign-in"]').click();
      await enter(page, who, /^Sign in/);
      model.who = who;
    },
  });

/** Fills in the form of entry and sends it. */
async function enter(page: Page, who: Account, button: RegExp): Promise<void> {
  await page.getByLabel('E-mail').fill(who.email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.locator('main form').getByRole('button', { name: button }).click();
  await page.waitForURL((url) => !/\/account\/sign-/.test(url.pathname), { waitUntil: 'commit' });
}

export const signOut = (everywhere: boolean): Move =>
  move('signOut', [everywhere], {
    can: personal,
    async act(model, { page }) {
      await page.locator('header a[href="/account/orders"]').click();
      await page.locator('main a[href="/account"]').click();
      await page.getByRole('button', { name: everywhere ? 'Sign out everywhere' : 'Sign out', exact: true }).click();
      model.who = undefined;
    },
  });

export type Method = 'tok_ok' | 'tok_declined' | 'tok_slow';

/** Buys what is in the cart; a declined card may be followed by another. */
export const pay = (method: Method, how: { twice?: boolean; another?: boolean } = {}): Move =>
  move('pay', [method, how], {
    can: (model) => personal(model) && model.cart.size > 0,
    ...(method === 'tok_declined' ? { provokes: /CreateOrder/ } : {}),
    async act(model, real) {
      const { page } = real;
      await page.locator('header a[href="/shop/cart"]').click();
      const onwards = page.locator('main a[href="/shop/checkout"]');
      const blocked = page.getByText(/cannot be had as it is/);
      await expect(onwards.or(blocked).first()).toBeVisible();
      if (!(await onwards.isVisible())) return 'idle';
      await lift(page);
      await onwards.click();
      await payWith(model, real, method, how.twice);
      if (method !== 'tok_declined') return;
      await page.locator('main [role=alert]').waitFor({ timeout: PAID_MS });
      if (!how.another) return;
      const choose = page.getByRole('button', { name: 'Choose another method' });
      await lift(page);
      if (await choose.isVisible()) await choose.click();
      await payWith(model, real, 'tok_ok', how.twice);
    },
  });

/** Presses Pay, and wants one order of it. */
async function payWith(model: Model, { page, shop }: Real, method: Method, twice = false): Promise<void> {
  const { who } = model;
  if (!who) return;
  const radio = page.locator(`main input[type=radio][value=${method}]`);
  await lift(page);
  await page
    .locator('main label')
    .filter({ has: page.locator(`[value=${method}]`) })
    .click();
  await expect(radio).toBeChecked();
  const button = page.getByRole('button', { name: /^Pay / });
  await (twice ? button.dblclick() : button.click());
  who.paid += 1;
  if (method === 'tok_declined') {
    await page.locator('main [role=alert]').waitFor({ timeout: PAID_MS });
  } else {
    await page.waitForURL(/\/account\/orders\/[0-9a-f-]{36}$/, { timeout: PAID_MS, waitUntil: 'commit' });
    model.cart.clear();
  }
  await expect
    .poll(async () => (await ordersOf(shop.url, who)).length, { message: 'one Pay is one order' })
    .toBe(who.paid);
  who.orders.splice(0, Number.POSITIVE_INFINITY, ...(await ordersOf(shop.url, who)).map(({ id }) => id));
}

/** Undoes an order on its page, or thinks better of it. */
export const cancel = (sure: boolean): Move =>
  move('cancel', [sure], {
    can: (model) => personal(model) && /^\/account\/orders\/./.test(model.place),
    async act(_model, { page }) {
      const button = page.getByRole('button', { name: 'Cancel this order' });
      if ((await button.count()) === 0) return 'idle';
      await button.click();
      await lift(page);
      await page.getByRole('button', { name: sure ? /^Yes/ : /^Keep/ }).click();
      if (sure) await expect(page.locator('main').getByText('Cancelled', { exact: true }).first()).toBeVisible();
    },
  });

export const offline = (): Move =>
  move('offline', [], {
    can: online,
    uses: false,
    async act(model, { context }) {
      model.online = false;
      await context.setOffline(true);
    },
  });

/** The network is back, and what was missing comes by itself. */
export const backOnline = (): Move =>
  move('backOnline', [], {
    can: (model) => !model.online,
    uses: false,
    async act(model, { context, tabs }) {
      await context.setOffline(false);
      model.online = true;
      for (const tab of tabs) await expect(tab.getByText('The shop is out of reach')).toHaveCount(0);
    },
  });

/** kill -9 of a process; while it is away somebody looks into the cart; then it is back. */
export const kill = (n: number): Move =>
  move('kill', [n], {
    can: online,
    provokes: LOST,
    async act(_model, { page, shop }) {
      const victim = nth(shop.processes, n);
      if (!victim) return 'idle';
      await shop.kill(victim);
      try {
        await page.locator('header a[href="/shop/cart"]').click();
      } finally {
        await shop.revive(victim);
      }
      const again = page.getByRole('button', { name: 'Try again' });
      await expect(async () => {
        if (await again.first().isVisible()) await again.first().click();
        await expect(page.getByText('The shop is out of reach')).toHaveCount(0, { timeout: 500 });
      }).toPass({ timeout: PAID_MS });
    },
  });
