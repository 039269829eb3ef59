/** What a visitor does in the shop, step by step. */
import { randomUUID } from 'node:crypto';
import { expect, type Locator, type Page } from '@playwright/test';

export const PASSWORD = 'a short sentence';

export interface Person {
  readonly name: string;
  readonly email: string;
}

/** A person nobody has met. */
export const somebody = (): Person => ({
  name: 'Robin Vale',
  email: `robin-${randomUUID().slice(0, 13)}@example.com`,
});

/** Waits until the page has its data, its pictures and its letters, and what appears has appeared. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector('h1') && !document.querySelector('[data-skeleton]'));
  await page.waitForFunction(() => [...document.images].every((image) => image.loading === 'lazy' || image.complete));
  await page.evaluate(() => document.fonts.ready);
  await still(page);
}

/**
 * Waits until no animation runs that has an end. What ends may begin another: a colour that is inherited fades in only
 * when its parent's has, a picture later. A tab behind another may paint none.
 */
export const still = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    const ends = (animation: Animation): boolean =>
      Number.isFinite(Number(animation.effect?.getComputedTiming().endTime ?? Number.POSITIVE_INFINITY));
    const running = (): Animation[] =>
      document.getAnimations().filter((animation) => animation.playState === 'running' && ends(animation));
    const painted = (): Promise<void> =>
      new Promise((resolve) => {
        requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
        setTimeout(resolve, 200);
      });
    do {
      await Promise.allSettled(running().map((animation) => animation.finished));
      await painted();
    } while (running().length > 0);
  });

const THEMES = ['light', 'dark'] as const;

/** Does the same in both themes, as a system has it that goes dark in the evening. */
export async function inThemes(page: Page, look: (theme: (typeof THEMES)[number]) => Promise<void>): Promise<void> {
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme);
    await look(theme);
  }
}

/** Waits until the page was laid out and painted once more. */
export const painted = (page: Page): Promise<void> =>
  page.evaluate(
    () => new Promise<void>((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve()))),
  );

/** Makes an account and waits for the page that `next` names. */
export async function signUp(page: Page, who: Person = somebody(), next = '/'): Promise<Person> {
  await page.goto(`/account/sign-up?next=${encodeURIComponent(next)}`);
  await page.getByLabel('Name').fill(who.name);
  await page.getByLabel('E-mail').fill(who.email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.waitForURL((url) => url.pathname === new URL(next, 'http://shop').pathname);
  return who;
}

/** Signs in on the page of that name and waits for the page that `next` names. */
export async function signIn(page: Page, who: Pick<Person, 'email'>, next = '/', password = PASSWORD): Promise<void> {
  await page.goto(`/account/sign-in?next=${encodeURIComponent(next)}`);
  await page.getByLabel('E-mail').fill(who.email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((url) => url.pathname === new URL(next, 'http://shop').pathname);
}

/** Signs out by the button of the account's page. */
export async function signOut(page: Page): Promise<void> {
  await page.goto('/account');
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.getByRole('link', { name: 'Sign in' }).first().waitFor();
}

/** Puts a thing into the cart by its page. */
export async function addToCart(page: Page, sku: string): Promise<void> {
  await page.goto(`/shop/products/${sku}`);
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.getByRole('link', { name: /Cart, [1-9]\d* piece/ }).waitFor();
}

/** Goes to the checkout and chooses a method by its name; answers the button that pays. */
export async function checkout(page: Page, method = 'The card that pays'): Promise<Locator> {
  await page.goto('/shop/checkout');
  await page.getByRole('radio', { name: method }).check({ force: true });
  return page.getByRole('button', { name: /^Pay / });
}

/** Waits on the order's page until it says `status`; answers the order's id. */
export async function orderIs(page: Page, status: string): Promise<string> {
  await page.waitForURL(/\/account\/orders\/[0-9a-f-]{36}$/, { timeout: 30_000 });
  await expect(page.locator('main').getByText(status, { exact: true }).first()).toBeVisible({ timeout: 30_000 });
  return new URL(page.url()).pathname.split('/').at(-1) ?? '';
}

/** How many orders this person's history shows. */
export async function orderCount(page: Page): Promise<number> {
  await page.goto('/account/orders');
  await page.getByRole('heading', { name: 'Your orders' }).waitFor();
  await settled(page);
  return page.locator('main li a').count();
}

/** Leaves behind what a browser keeps that died this long ago, between Pay and anything reaching the shop. */
export async function leaveAttempt(
  page: Page,
  agoMs: number,
  items: { sku: string; quantity: number }[],
): Promise<void> {
  await page.goto('/shop/checkout');
  await page.waitForFunction(() => JSON.parse(localStorage.getItem('stoa.attempt') ?? '[]').length > 0);
  await page.evaluate(
    ([at, bought]) => {
      const [attempt] = JSON.parse(localStorage.getItem('stoa.attempt') ?? '');
      localStorage.setItem(
        'stoa.attempt',
        JSON.stringify([{ ...attempt, sent: { items: bought, method: 'tok_ok', at } }]),
      );
    },
    [Date.now() - agoMs, items] as const,
  );
}
