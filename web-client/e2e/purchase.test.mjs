/** The whole purchase, by every way a person may take. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from './browser.mjs';
import { addToCart, checkout, orderCount, orderIs, PASSWORD, settled, signUp, somebody } from './shop.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const DECLINED = [/CreateOrder/];

test('by mouse: search, product, cart, sign-up, pay, watch, history', async () => {
  const { page, close } = await open(browser);
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
  await page.getByRole('button', { name: 'Pay €258.00' }).click();
  const id = await orderIs(page, 'Confirmed');
  await page.getByRole('link', { name: 'Cart, 0 pieces' }).waitFor();
  await page.getByRole('link', { name: 'Your orders and account' }).click();
  await page.locator(`main a[href$="${id}"]`).getByText('Confirmed').waitFor();
  await close();
});

test('by keyboard alone', async () => {
  const { page, close } = await open(browser);
  const focused = () =>
    page.evaluate(() => {
      const active = document.activeElement;
      if (!active?.matches('a, button, input, summary')) return '';
      return active.getAttribute('aria-label') || active.textContent || '';
    });
  const tabTo = async (name) => {
    for (let presses = 0; presses < 80; presses += 1) {
      if (name.test(await focused())) return assertVisibleFocus(page);
      await page.keyboard.press('Tab');
    }
    assert.fail(`the Tab key never reached ${name}`);
  };
  await signUp(page);
  await settled(page);
  await page.keyboard.press('/');
  await page.keyboard.type('everyday mug');
  await page.waitForURL(/query=everyday/);
  await page
    .getByRole('link', { name: /Everyday mug/ })
    .first()
    .waitFor();
  await tabTo(/^Everyday mug/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/shop\/products\//);
  await settled(page);
  await tabTo(/Add to cart/);
  await page.keyboard.press('Enter');
  await tabTo(/Go to the cart/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/shop\/cart/);
  await page.getByRole('link', { name: 'To the checkout' }).waitFor();
  await tabTo(/To the checkout/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/shop\/checkout/);
  await page.getByRole('button', { name: /^Pay / }).waitFor();
  await tabTo(/^Pay /);
  await page.keyboard.press('Enter');
  await orderIs(page, 'Confirmed');
  await close();
});

/** What has the focus must show it. */
async function assertVisibleFocus(page) {
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, 'none', 'the focus is not visible');
}

test('at 360 pixels, by touch', async () => {
  const { page, close } = await open(browser, { width: 360, height: 740, touch: true });
  await signUp(page);
  await page.goto('/shop/products/MUG-STR-02');
  await page.getByRole('button', { name: 'Add to cart' }).tap();
  await page.getByRole('link', { name: 'Go to the cart' }).tap();
  await page.getByRole('link', { name: 'To the checkout' }).tap();
  await page.getByRole('button', { name: /^Pay / }).tap();
  await orderIs(page, 'Confirmed');
  await close();
});

test('a declined card says so, keeps the cart, and another card pays', async () => {
  const { page, close } = await open(browser, { expects: DECLINED });
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
  assert.equal(await orderCount(page), 2, 'the declined order and the paid one');
  await close();
});

test('a slow card: the order is shown while it is pending, and confirms before one’s eyes', async () => {
  const { page, close } = await open(browser);
  await signUp(page);
  await addToCart(page, 'CDL-PIL-01');
  await (await checkout(page, 'The slow card')).click();
  await page.waitForURL(/\/account\/orders\/[0-9a-f-]{36}$/, { timeout: 15_000 });
  await orderIs(page, 'Confirmed');
  await close();
});

test('a confirmed order can be cancelled, and the page shows how', async () => {
  const { page, close } = await open(browser);
  await signUp(page);
  await addToCart(page, 'NTB-SFT-01');
  await (await checkout(page)).click();
  await orderIs(page, 'Confirmed');
  await page.getByRole('button', { name: 'Cancel this order' }).click();
  await page.getByRole('button', { name: 'Yes, cancel it' }).click();
  await orderIs(page, 'Cancelled');
  await close();
});

test('signing out and in again finds the history', async () => {
  const { page, close } = await open(browser);
  const who = await signUp(page);
  await addToCart(page, 'BRD-PDL-03');
  await (await checkout(page)).click();
  await orderIs(page, 'Confirmed');
  await page.goto('/account');
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('E-mail').fill(who.email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: /Good to see you, Robin/ }).waitFor();
  assert.equal(await orderCount(page), 1);
  await close();
});
