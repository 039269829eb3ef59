/**
 * Pay is pressed once, whatever happens; and nothing secret is left lying about.
 * row: X16, I8
 */
import { ordersOf } from './account.ts';
import { expect, test } from './fixtures.ts';
import { addToCart, checkout, orderCount, orderIs, painted, settled, signUp } from './visit.ts';

const CUT = [/CreateOrder/, /ERR_INTERNET_DISCONNECTED|ERR_NETWORK|ERR_FAILED|ERR_CONNECTION/];

test('a double click on Pay is one order', async ({ page }) => {
  await signUp(page);
  await addToCart(page, 'MUG-ESP-01');
  await (await checkout(page)).dblclick();
  await orderIs(page, 'Confirmed');
  expect(await orderCount(page)).toBe(1);
});

test('a reload between Pay and its answer is one order, and the page finds it', async ({ page, shop, expects }) => {
  expects.push(...CUT);
  const who = await signUp(page);
  await addToCart(page, 'MUG-ESP-02');
  await (await checkout(page, 'The slow card')).click();
  await expect.poll(async () => (await ordersOf(shop.url, who)).length).toBe(1);
  await page.reload();
  await orderIs(page, 'Confirmed');
  expect(await orderCount(page)).toBe(1);
});

test('an answer lost on the way is asked for again with the same key', { tag: '@split' }, async ({ page, expects }) => {
  expects.push(...CUT);
  const keys: (string | undefined)[] = [];
  await page.route(/\/CreateOrder$/, async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    if (keys.length > 2) return route.continue();
    // The server gets the order, the browser never hears of it.
    await route.fetch().catch(() => undefined);
    return route.abort('connectionreset');
  });
  await signUp(page);
  await addToCart(page, 'MUG-ESP-03');
  await (await checkout(page)).click();
  await orderIs(page, 'Confirmed');
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size, 'every try carries one key').toBe(1);
  expect(await orderCount(page)).toBe(1);
});

test('a tab closed before the answer: the next one asks what became of it', async ({
  page,
  context,
  shop,
  expects,
}) => {
  expects.push(...CUT);
  const who = await signUp(page);
  await addToCart(page, 'MUG-ESP-04');
  await (await checkout(page, 'The slow card')).click();
  await expect.poll(async () => (await ordersOf(shop.url, who)).length).toBe(1);
  const next = await context.newPage();
  await page.close();
  await next.goto('/shop/cart');
  await next.getByRole('link', { name: 'ask what became of it' }).click();
  await orderIs(next, 'Confirmed');
  expect(await orderCount(next)).toBe(1);
});

/** row: D6 */
test('a network cut while watching: the page resumes by its cursor', { tag: '@split' }, async ({
  page,
  context,
  shop,
  expects,
}) => {
  expects.push(...CUT);
  const who = await signUp(page);
  await addToCart(page, 'CDL-GLS-02');
  // The stream answers with its first update, which carries a cursor.
  const watched = page.waitForResponse(/WatchOrderStatus$/);
  await (await checkout(page, 'The slow card')).click();
  await page.waitForURL(/\/account\/orders\/[0-9a-f-]{36}$/, { timeout: 15_000 });
  await watched;
  await painted(page);
  const resumed: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/WatchOrderStatus')) resumed.push(request.postDataBuffer()?.toString('latin1') ?? '');
  });
  await context.setOffline(true);
  await expect
    .poll(async () => (await ordersOf(shop.url, who)).map((order) => order.status), { timeout: 15_000 })
    .toEqual(['ORDER_STATUS_CONFIRMED']);
  resumed.length = 0;
  // The page asks anew for all that it shows as well, and must not be done before the line is up again.
  await page.route(/GetOrderPage$/, async (route) => {
    await expect.poll(() => resumed.length).toBeGreaterThan(0);
    await route.continue();
  });
  await context.setOffline(false);
  await orderIs(page, 'Confirmed');
  expect(resumed.at(-1), 'it goes on after what was seen').toMatch(/"cursor":"[^"]+"/);
});

/** row: X23 */
test('no token in any storage, none a script can read', async ({ page, context }) => {
  await signUp(page);
  await addToCart(page, 'PLT-FRN-01');
  await settled(page);
  const stored = await page.evaluate(async () =>
    JSON.stringify({
      local: { ...localStorage },
      session: { ...sessionStorage },
      databases: await indexedDB.databases(),
      caches: await caches.keys(),
      cookie: document.cookie,
    }),
  );
  expect(stored).not.toMatch(/eyJ|bearer|refresh|__Host/i);
  const sid = (await context.cookies()).find((cookie) => cookie.name === '__Host-sid');
  expect(sid?.value, 'there is a token to look for').toMatch(/^.{16,}$/);
  expect(stored, 'not by any name').not.toContain(sid?.value);
  expect(sid, 'the session cookie is as strict as can be').toMatchObject({
    httpOnly: true,
    secure: true,
    sameSite: 'Strict',
    path: '/',
  });
  await page.reload();
  await page.getByRole('link', { name: 'Your orders and account' }).waitFor();
});

test.describe('a low window', () => {
  test.use({ viewport: { width: 1280, height: 700 } });

  test('back from a product finds the list where it was left', async ({ page }) => {
    await page.goto('/shop/search?category=Lighting');
    await settled(page);
    await page.getByRole('link', { name: /Gong pendant/ }).scrollIntoViewIfNeeded();
    const before = await page.evaluate(() => scrollY);
    expect(before).toBeGreaterThan(300);
    await page.getByRole('link', { name: /Gong pendant/ }).click();
    await page.getByRole('button', { name: 'Add to cart' }).waitFor();
    await page.goBack();
    await page.waitForURL(/search/);
    await expect.poll(() => page.evaluate((y) => Math.abs(scrollY - y), before)).toBeLessThan(60);
  });
});
