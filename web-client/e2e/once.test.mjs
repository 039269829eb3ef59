/**
 * Pay is pressed once, whatever happens; and nothing secret is left lying about.
 * row: X16, I8
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from './browser.mjs';
import { addToCart, checkout, orderCount, orderIs, settled, signUp } from './shop.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const CUT = [/CreateOrder/, /ERR_INTERNET_DISCONNECTED|ERR_FAILED|ERR_CONNECTION/];
const isCreate = (url) => url.pathname.endsWith('/CreateOrder');

test('a double click on Pay is one order', async () => {
  const { page, close } = await open(browser);
  await signUp(page);
  await addToCart(page, 'MUG-ESP-01');
  await (await checkout(page)).dblclick();
  await orderIs(page, 'Confirmed');
  assert.equal(await orderCount(page), 1);
  await close();
});

test('a reload between Pay and its answer is one order, and the page finds it', async () => {
  const { page, close } = await open(browser, { expects: CUT });
  await signUp(page);
  await addToCart(page, 'MUG-ESP-02');
  const pay = await checkout(page, 'The slow card');
  const sent = page.waitForRequest((request) => isCreate(new URL(request.url())));
  await pay.click();
  await sent;
  await page.waitForTimeout(150);
  await page.reload();
  await orderIs(page, 'Confirmed');
  assert.equal(await orderCount(page), 1);
  await close();
});

test('an answer lost on the way is asked for again with the same key', async () => {
  const { page, close } = await open(browser, { expects: CUT });
  const keys = [];
  await page.route(isCreate, async (route) => {
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
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1, 'every try carries one key');
  assert.equal(await orderCount(page), 1);
  await close();
});

test('a tab closed before the answer: the next one asks what became of it', async () => {
  const { page, context, close } = await open(browser, { expects: CUT });
  await signUp(page);
  await addToCart(page, 'MUG-ESP-04');
  const pay = await checkout(page, 'The slow card');
  const sent = page.waitForRequest((request) => isCreate(new URL(request.url())));
  await pay.click();
  await sent;
  await page.waitForTimeout(150);
  const next = await context.newPage();
  await page.close();
  await next.goto('/');
  await next.getByRole('link', { name: 'ask what became of it' }).click();
  await orderIs(next, 'Confirmed');
  assert.equal(await orderCount(next), 1);
  await close();
});

/** row: D6 */
test('a network cut while watching: the page resumes by its cursor', async () => {
  const { page, context, close } = await open(browser, {
    expects: [/ERR_INTERNET_DISCONNECTED|ERR_NETWORK|ERR_FAILED/],
  });
  await signUp(page);
  await addToCart(page, 'CDL-GLS-02');
  await (await checkout(page, 'The slow card')).click();
  await page.waitForURL(/\/account\/orders\/[0-9a-f-]{36}$/, { timeout: 15_000 });
  await context.setOffline(true);
  await page.waitForTimeout(1500);
  await context.setOffline(false);
  await orderIs(page, 'Confirmed');
  await close();
});

/** row: X23 */
test('no token in any storage, none a script can read', async () => {
  const { page, context, close } = await open(browser);
  await signUp(page);
  await addToCart(page, 'PLT-FRN-01');
  await settled(page);
  const stored = await page.evaluate(async () => {
    const databases = (await indexedDB.databases?.()) ?? [];
    return JSON.stringify({
      local: { ...localStorage },
      session: { ...sessionStorage },
      databases,
      caches: await caches.keys(),
      cookie: document.cookie,
    });
  });
  assert.doesNotMatch(stored, /eyJ|bearer|refresh|__Host/i);
  const cookies = await context.cookies();
  const sid = cookies.find((cookie) => cookie.name === '__Host-sid');
  assert.ok(
    sid?.httpOnly && sid.secure && sid.sameSite === 'Strict' && sid.path === '/',
    'the session cookie is as strict as can be',
  );
  await page.reload();
  await page.getByRole('link', { name: 'Your orders and account' }).waitFor();
  await close();
});

test('a shop that is out of reach signs nobody out', async () => {
  const { page, close } = await open(browser, { expects: [/ERR_FAILED/] });
  await signUp(page);
  await page.route(/AuthService\/Refresh$/, (route) => route.abort());
  await page.goto('/account/orders');
  await page.getByRole('heading', { name: 'The shop is out of reach' }).waitFor();
  await page.unroute(/AuthService\/Refresh$/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('heading', { name: 'Your orders' }).waitFor();
  await close();
});

test('the cart is one over all tabs and survives a reload', async () => {
  const { page, context, close } = await open(browser);
  const other = await context.newPage();
  await other.goto('/shop/cart');
  await addToCart(page, 'BLK-FLD-01');
  await other.getByText('Shepherd blanket').first().waitFor();
  await page.reload();
  await page.getByRole('link', { name: 'Cart, 1 piece' }).waitFor();
  await close();
});

test('a line that ran out says so and offers what is left', async () => {
  const { page, close } = await open(browser);
  await page.goto('/');
  await page.evaluate(() => localStorage.setItem('stoa.cart', JSON.stringify([{ sku: 'CHR-LNG-04', quantity: 90 }])));
  await page.goto('/shop/cart');
  await page.getByRole('button', { name: /^Take the/ }).click();
  await page.getByRole('link', { name: 'To the checkout' }).waitFor();
  await close();
});

test('back from a product finds the list where it was left', async () => {
  const { page, close } = await open(browser, { height: 700 });
  await page.goto('/shop/search?category=Lighting');
  await settled(page);
  await page.getByRole('link', { name: /Gong pendant/ }).scrollIntoViewIfNeeded();
  await page.waitForTimeout(200);
  const before = await page.evaluate(() => scrollY);
  assert.ok(before > 300);
  await page.getByRole('link', { name: /Gong pendant/ }).click();
  await page.getByRole('button', { name: 'Add to cart' }).waitFor();
  await page.goBack();
  await page.waitForURL(/search/);
  await page.waitForFunction((y) => Math.abs(scrollY - y) < 60, before, { timeout: 5_000 });
  await close();
});
