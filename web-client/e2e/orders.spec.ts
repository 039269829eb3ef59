/** Orders after they were placed: what they are called, how they end, and what can be done then. */
import { randomUUID } from 'node:crypto';
import type { Page } from '@playwright/test';
import { asKeeper, enrol, order } from './account.ts';
import { expect, test } from './fixtures.ts';
import { keep } from './keep.ts';
import { addToCart, checkout, orderIs, settled, signIn, signUp, somebody } from './visit.ts';

/** Buys what is in the cart and stays on the order's page. */
async function buy(page: Page, method?: string, status = 'Confirmed'): Promise<string> {
  await (await checkout(page, method)).click();
  return orderIs(page, status);
}

/** Has the demo shop's operator take `percent` off one product. */
async function takeOff(url: string, percent: number, sku: string): Promise<void> {
  const now = Date.now();
  await asKeeper(url, 'stoa.pricing.v1.PricingService/SetPromotion', {
    id: randomUUID(),
    sku,
    percent,
    minQuantity: 1,
    startsAt: new Date(now - 60_000).toISOString(),
    endsAt: new Date(now + 3_600_000).toISOString(),
  });
}

/** Nothing that can be pressed may leave the focus on the body. */
const focused = (page: Page): Promise<string | undefined> => page.evaluate(() => document.activeElement?.tagName);

/** row: D13, E8 */
test('a tab that nobody sees holds no line to the shop, and takes it up again when it is seen', async ({
  page,
  shop,
}) => {
  const who = await enrol(shop.url, somebody());
  await signIn(page, who);
  const id = await order(shop.url, who, 'MUG-STR-03', 'tok_unavailable');
  const show = (state: string): Promise<void> =>
    page.evaluate((now) => {
      Object.defineProperty(document, 'visibilityState', { value: now, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, state);
  let lines = 0;
  page.on('request', (request) => {
    if (request.url().endsWith('/WatchOrderStatus')) lines += 1;
  });
  const watched = page.waitForRequest(/WatchOrderStatus$/);
  await page.goto(`/account/orders/${id}`);
  const line = await watched;
  const ended = page.waitForEvent('requestfailed', (request) => request === line);
  await show('hidden');
  await ended;
  expect(lines, 'and none is taken up in its place').toBe(1);
  const again = page.waitForRequest(/WatchOrderStatus$/);
  await show('visible');
  await again;
});

test('an unreachable provider: the order ends before one’s eyes on every page, says one thing about the money, and its things go back once', async ({
  page,
  context,
}) => {
  test.setTimeout(120_000);
  await signUp(page);
  await addToCart(page, 'LMP-DOM-02');
  await buy(page, 'The unreachable provider', 'Placed');
  await page.getByRole('link', { name: 'Cart, 0 pieces' }).waitFor();
  const [home, list] = [await context.newPage(), await context.newPage()];
  await home.goto('/');
  await list.goto('/account/orders');
  for (const other of [home, list]) await other.locator('main').getByText('Placed', { exact: true }).waitFor();

  await orderIs(page, 'Did not go through');
  await page.getByText('The payment provider did not answer. Nothing was charged.').waitFor();
  await expect(page.locator('main')).not.toContainText(/refund|paid back|went back to you/i);
  for (const other of [home, list])
    await other.locator('main').getByText('Did not go through', { exact: true }).waitFor({ timeout: 45_000 });

  await keep(page, 'provider-away');

  const twin = await context.newPage();
  await twin.goto(page.url());
  await twin.getByRole('button', { name: 'Put these back in the cart' }).waitFor();
  await page.getByRole('button', { name: 'Put these back in the cart' }).click();
  await expect(page.getByRole('link', { name: 'Go to the cart' })).toBeFocused();
  await page.getByRole('link', { name: 'Cart, 1 piece' }).waitFor();
  await twin.getByText('These things are in your cart.').waitFor();
  await expect(twin.getByRole('button', { name: 'Put these back in the cart' })).toHaveCount(0);
});

test('cancelling: asked and kept three times, then cancelled, and the focus is never lost', async ({ page }) => {
  await signUp(page);
  await addToCart(page, 'NTB-SFT-01');
  await buy(page);
  const offer = page.getByRole('button', { name: 'Cancel this order' });
  const keepIt = page.getByRole('button', { name: 'Keep it' });
  const press = () => page.keyboard.press('Escape');
  for (const leave of [() => keepIt.click(), press, () => keepIt.focus().then(press)]) {
    await offer.click();
    await expect(page.getByText('Are you sure?')).toBeFocused();
    await leave();
    await expect(offer).toBeFocused();
    // Where the one button was the other is: pressed as fast as here it would be a double click.
    await page.mouse.move(0, 0);
  }
  await offer.click();
  await keep(page, 'cancel-asked');
  await page.getByRole('button', { name: 'Yes, cancel it' }).click();
  await orderIs(page, 'Cancelled');
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
  await keep(page, 'cancelled');
  await expect(page.locator('main')).toContainText(/Cancelled as you wished\. €[\d.]+ went back to you\./);
  await page.getByRole('button', { name: 'Put these back in the cart' }).click();
  await page.getByRole('link', { name: 'Cart, 1 piece' }).waitFor();
  expect(await focused(page)).toBe('A');
});

test('two slow clicks on Cancel this order cancel nothing', async ({ page }) => {
  await signUp(page);
  await addToCart(page, 'NTB-SFT-01');
  await buy(page);
  const offer = page.getByRole('button', { name: 'Cancel this order' });
  for (const width of [360, 768, 1440])
    for (const part of [0.1, 0.5, 0.95]) {
      await page.setViewportSize({ width, height: 900 });
      await offer.scrollIntoViewIfNeeded();
      const box = await offer.boundingBox();
      const [x, y] = [(box?.x ?? 0) + 20, (box?.y ?? 0) + (box?.height ?? 0) * part];
      await page.mouse.click(x, y);
      await expect(page.getByText('Are you sure?')).toBeFocused();
      const there = await page.evaluate(([x, y]) => document.elementFromPoint(x, y)?.closest('button')?.textContent, [
        x,
        y,
      ] as const);
      expect(there, `${width} px, at ${part} of its height`).not.toBe('Yes, cancel it');
      await page.keyboard.press('Escape');
      await expect(offer).toBeFocused();
      await page.mouse.move(0, 0);
    }
});

test('a cancellation that fails offers to try again, and tries with the same key', async ({ page, expects }) => {
  expects.push(/CancelOrder/);
  await signUp(page);
  await addToCart(page, 'NTB-SFT-01');
  await buy(page);
  const keys: (string | undefined)[] = [];
  await page.route(/\/CancelOrder$/, (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    if (keys.length > 2) return route.continue();
    return route.fulfill({ status: 503, json: { code: 'unavailable', message: 'as the test wishes' } });
  });
  await page.getByRole('button', { name: 'Cancel this order' }).click();
  await page.getByRole('button', { name: 'Yes, cancel it' }).click();
  for (const count of [1, 2]) {
    await expect.poll(() => keys.length).toBe(count);
    await expect(page.getByRole('button', { name: 'Yes, cancel it' })).toBeVisible();
    expect(await focused(page)).not.toBe('BODY');
    await page.getByRole('button', { name: 'Try again' }).click();
  }
  await orderIs(page, 'Cancelled');
  expect(new Set(keys).size, 'every try carries one key').toBe(1);
  expect(await focused(page)).not.toBe('BODY');
});

test('a cancellation that failed is forgotten by “Keep it”, and stays on the page of its order', async ({
  page,
  expects,
}) => {
  expects.push(/CancelOrder/);
  await signUp(page);
  for (const sku of ['NTB-SFT-01', 'MUG-TAL-01']) {
    await addToCart(page, sku);
    await buy(page);
  }
  await page.route(/\/CancelOrder$/, (route) =>
    route.fulfill({ status: 503, json: { code: 'unavailable', message: 'as the test wishes' } }),
  );
  const again = page.getByRole('button', { name: 'Try again' });
  const cancel = async (): Promise<void> => {
    await page.getByRole('button', { name: 'Cancel this order' }).click();
    await page.getByRole('button', { name: 'Yes, cancel it' }).click();
    await again.waitFor();
  };
  await page.goto('/account/orders');
  const rows = page.locator('main li a');
  await rows.nth(0).click();
  const newer = await orderIs(page, 'Confirmed');
  await page.getByRole('link', { name: 'Your orders and account' }).click();
  await rows.nth(1).click();
  const older = await orderIs(page, 'Confirmed');
  expect(older).not.toBe(newer);

  await cancel();
  await page.getByRole('button', { name: 'Keep it' }).click();
  await expect(page.getByRole('button', { name: 'Cancel this order' })).toBeFocused();
  await expect(again).toHaveCount(0);

  await cancel();
  await page.evaluate(() => history.go(-2));
  await page.waitForURL(`**/${newer}`);
  await expect(page.getByRole('button', { name: 'Cancel this order' })).toBeVisible();
  await expect(again).toHaveCount(0);
});

test('an order has one short number everywhere, and its steps have plain words', async ({ page }) => {
  await signUp(page);
  await addToCart(page, 'LMP-DOM-02');
  await addToCart(page, 'VAS-AMP-01');
  const id = await buy(page);
  const number = /Order ([0-9A-F]{4} [0-9A-F]{4})/.exec((await page.locator('main').textContent()) ?? '')?.[1] ?? '';
  expect(number.replace(' ', '').toLowerCase()).toBe(id.slice(-8));
  await page.getByText(/^Behind the scenes, \d+ steps$/).click();
  await expect(page.locator('details')).toContainText('Set your things aside');
  await expect(page.locator('details')).toContainText(id);
  await expect(page.locator('main')).not.toContainText(/inventory|process|reserve|pack it|tomorrow/i);
  for (const path of ['/account/orders', '/']) {
    await page.goto(path);
    await settled(page);
    const entry = page.locator(`main a[href$="${id}"]`);
    await expect(entry).toContainText(number);
    await expect(entry).toContainText('Harbour table lamp and 1 more');
  }
});

test('a receipt adds up: what the lines cost, less the discount, is the total', async ({ page, shop }) => {
  await signUp(page);
  const items = [
    { sku: 'LMP-DOM-02', quantity: 1 },
    { sku: 'BLK-FLD-02', quantity: 2 },
  ];
  await takeOff(shop.url, 10, 'BLK-FLD-02');
  await page.evaluate((cart) => localStorage.setItem('stoa.cart', JSON.stringify(cart)), items);
  await buy(page);
  const cents = async (text: Promise<string | null>): Promise<number> =>
    Math.round(100 * Number(/€([\d.]+)/.exec((await text) ?? '')?.[1]));
  const lines = page.locator('main li').filter({ has: page.getByRole('link') });
  await expect(lines).toHaveCount(items.length);
  let sum = 0;
  for (const line of await lines.all()) sum += await cents(line.textContent());
  const row = (label: string) => page.locator('dl > div').filter({ hasText: label }).locator('dd');
  const discount = await cents(row('Discount').textContent());
  expect(discount).toBeGreaterThan(0);
  expect(sum - discount).toBe(await cents(row('Total').textContent()));
});

test('older orders that do not come are missed aloud; the last page leaves the focus on what it brought', async ({
  page,
  context,
  expects,
}) => {
  expects.push(/GetOrdersPage/);
  await signUp(page);
  for (const sku of ['NTB-SFT-01', 'MUG-TAL-01', 'MUG-TAL-02']) {
    await addToCart(page, sku);
    await buy(page);
  }
  // One order a page, so that three orders make three pages.
  let lost = true;
  await page.route(/\/GetOrdersPage$/, (route) => {
    const asked = route.request().postDataJSON() as { pageToken?: string };
    if (lost && asked.pageToken) return route.abort();
    return route.continue({ postData: JSON.stringify({ ...asked, pageSize: 1 }) });
  });
  await page.goto('/account/orders');
  const rows = page.locator('main li a');
  const older = page.getByRole('button', { name: 'Older orders' });
  await expect(rows).toHaveCount(1);
  await older.click();
  await expect(page.getByText('The rest did not come')).toBeVisible();
  await expect(older).toBeFocused();
  lost = false;
  // Offline and online again, it comes by itself.
  await context.setOffline(true);
  await context.setOffline(false);
  await expect(rows).toHaveCount(2);
  await expect(older).toBeFocused();
  await older.click();
  await expect(rows).toHaveCount(3);
  await expect(older).toHaveCount(0);
  await expect(rows.nth(2)).toBeFocused();
});
