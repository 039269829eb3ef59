/** The whole purchase, by every way a person may take. */
import type { Locator } from '@playwright/test';
import { expect, type Page, test } from './fixtures.ts';
import {
  addToCart,
  checkout,
  orderCount,
  orderIs,
  PASSWORD,
  settled,
  signIn,
  signOut,
  signUp,
  somebody,
} from './visit.ts';

/** There is one picture, in sight, and it has come. */
async function isDrawn(picture: Locator): Promise<void> {
  await expect(picture).toBeVisible();
  await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
}

test('by mouse: search, product, cart, sign-up, pay, watch, history', { tag: '@split' }, async ({ page }) => {
  await page.goto('/');
  await settled(page);
  await page.keyboard.press('/');
  await page.keyboard.type('lamp');
  await page.waitForURL(/\/shop\/search\?query=lamp/);
  await page.getByRole('link', { name: /Harbour table lamp/ }).click();
  await page.getByRole('button', { name: 'Increase' }).click();
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.getByRole('link', { name: 'Cart, 2 pieces' }).click();
  await page.getByText('€258.00').first().waitFor();
  await page.getByRole('link', { name: 'To the checkout' }).click();
  await page.getByRole('link', { name: 'Make an account' }).click();
  const who = somebody();
  await page.getByLabel('Name').fill(who.name);
  await page.getByLabel('E-mail').fill(who.email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.waitForURL(/\/shop\/checkout/);
  await isDrawn(page.getByRole('list', { name: 'What you are buying' }).locator('img'));
  await expect(page.locator('main')).toContainText(who.email);
  await page.getByRole('link', { name: 'Back to the cart' }).click();
  await page.getByRole('link', { name: 'To the checkout' }).click();
  await page.getByRole('button', { name: 'Pay €258.00' }).click();
  const id = await orderIs(page, 'Confirmed');
  await page.getByRole('link', { name: 'Cart, 0 pieces' }).waitFor();
  await page.getByRole('link', { name: 'Your orders and account' }).click();
  const row = page.locator('main li', { has: page.locator(`a[href$="${id}"]`) });
  await row.getByText('Confirmed').waitFor();
  await isDrawn(row.locator('img'));
});

test('by keyboard alone', { tag: '@split' }, async ({ page }) => {
  await page.goto('/');
  await settled(page);
  await tabTo(page, /^Sign in$/);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await tabTo(page, /Make an account/);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Make an account' }).waitFor();
  const who = somebody();
  for (const [field, words] of [
    [/^Name/, who.name],
    [/^E-mail/, who.email],
    [/^Password/, PASSWORD],
  ] as const) {
    await tabTo(page, field);
    await page.keyboard.type(words);
  }
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'Your orders and account' }).waitFor();
  await settled(page);
  await page.keyboard.press('/');
  await page.keyboard.type('everyday mug');
  await page.waitForURL(/query=everyday/);
  await page
    .getByRole('link', { name: /Everyday mug/ })
    .first()
    .waitFor();
  await tabTo(page, /^Everyday mug/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/shop\/products\//);
  await settled(page);
  await tabTo(page, /Add to cart/);
  await page.keyboard.press('Enter');
  await tabTo(page, /Go to the cart/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/shop\/cart/);
  await page.getByRole('link', { name: 'To the checkout' }).waitFor();
  await tabTo(page, /To the checkout/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/shop\/checkout/);
  await page.getByRole('button', { name: /^Pay / }).waitFor();
  await tabTo(page, /^The card that pays/);
  for (const [key, name] of [
    ['ArrowDown', 'The card that declines'],
    ['ArrowDown', 'The slow card'],
    ['ArrowUp', 'The card that declines'],
    ['ArrowUp', 'The card that pays'],
  ] as const) {
    await page.keyboard.press(key);
    await expect(page.getByRole('radio', { name })).toBeChecked();
    await expect(page.getByRole('radio', { name })).toBeFocused();
  }
  await tabTo(page, /^Pay /);
  await page.keyboard.press('Enter');
  await orderIs(page, 'Confirmed');
});

const TABS_MAX = 80;

/** Presses Tab until what is called `name` has the focus, and shows it. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  const focused = (): Promise<string> =>
    page.evaluate(() => {
      const active = document.activeElement;
      if (!active?.matches('a, button, input, summary')) return '';
      const label = active instanceof HTMLInputElement ? active.labels?.[0]?.textContent : null;
      return active.getAttribute('aria-label') || label || active.textContent || '';
    });
  for (let presses = 0; presses < TABS_MAX; presses += 1) {
    if (name.test(await focused())) {
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle);
      expect(outline, `the focus on ${name} is not visible`).not.toBe('none');
      return;
    }
    await page.keyboard.press('Tab');
  }
  throw new Error(`the Tab key never reached ${name}`);
}

test.describe('on a phone', () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true });

  test('at 360 pixels, by touch', { tag: '@split' }, async ({ page }) => {
    await signUp(page);
    await page.goto('/shop/products/MUG-STR-02');
    await page.getByRole('button', { name: 'Add to cart' }).tap();
    await page.getByRole('link', { name: 'Go to the cart' }).tap();
    await page.getByRole('link', { name: 'To the checkout' }).tap();
    await page.getByRole('button', { name: /^Pay / }).tap();
    await orderIs(page, 'Confirmed');
  });
});

test('a declined card says so, keeps the cart, and another card pays', { tag: '@split' }, async ({ page, expects }) => {
  expects.push(/CreateOrder/);
  await signUp(page);
  await addToCart(page, 'CLK-ALM-01');
  await (await checkout(page, 'The card that declines')).click();
  await page.getByRole('heading', { name: 'The payment was declined' }).waitFor();
  await page.getByText('Number to quote:').waitFor();
  await page.getByRole('link', { name: 'See what happened' }).waitFor();
  await page.getByRole('button', { name: 'Choose another method' }).click();
  await page.getByRole('radio', { name: 'The card that pays' }).check({ force: true });
  await page.getByRole('button', { name: /^Pay / }).click();
  await orderIs(page, 'Confirmed');
  expect(await orderCount(page), 'the declined order and the paid one').toBe(2);
});

test('a slow card: the order is shown while it is pending, and confirms before one’s eyes', { tag: '@split' }, async ({
  page,
}) => {
  await signUp(page);
  await addToCart(page, 'CDL-PIL-01');
  await (await checkout(page, 'The slow card')).click();
  await orderIs(page, 'Placed');
  await orderIs(page, 'Confirmed');
});

test('a confirmed order can be cancelled, and the page shows how', { tag: '@split' }, async ({ page }) => {
  await signUp(page);
  await addToCart(page, 'NTB-SFT-01');
  await (await checkout(page)).click();
  await orderIs(page, 'Confirmed');
  await page.getByRole('button', { name: 'Cancel this order' }).click();
  await page.getByRole('button', { name: 'Yes, cancel it' }).click();
  await orderIs(page, 'Cancelled');
});

test('signing out and in again finds the history', { tag: '@split' }, async ({ page }) => {
  const who = await signUp(page);
  await addToCart(page, 'BRD-PDL-03');
  await (await checkout(page)).click();
  await orderIs(page, 'Confirmed');
  await signOut(page);
  await signIn(page, who);
  await page.getByRole('heading', { name: /Good to see you, Robin/ }).waitFor();
  expect(await orderCount(page)).toBe(1);
});
