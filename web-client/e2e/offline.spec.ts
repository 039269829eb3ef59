/** No network, a bad one, and a shop that was released anew while a tab was open. */
import { expect, type Page, test } from './fixtures.ts';
import { addToCart, settled, signUp } from './visit.ts';

const LOST = /ERR_INTERNET_DISCONNECTED|ERR_FAILED/;
const GONE = /status of 404/;

const lost = (page: Page) => page.getByRole('heading', { name: 'This page did not load' });
const cartTitle = (page: Page) => page.getByRole('heading', { name: 'Cart', exact: true });

/** The pages whose code comes apart from the first; the last of them is the last to be fetched ahead. */
const LAZY = 'Product Cart Returns Contact Privacy SignIn SignUp Checkout Account Orders Order'.split(' ');

/** Which pages' code is here. */
const fetched = (page: Page): Promise<string[]> =>
  page.evaluate(
    (names) =>
      names.filter((page) =>
        performance.getEntriesByType('resource').some(({ name }) => new RegExp(`/${page}-[^/]*\\.js$`).test(name)),
      ),
    LAZY,
  );

/** Waits until the browser had nothing better to do, and every page's code is here. */
const idle = (page: Page): Promise<void> => expect.poll(() => fetched(page)).toEqual(LAZY);

/** Keeps the browser busy, so that no page's code is fetched before it is needed. */
const neverIdle = (page: Page) =>
  page.addInitScript(() => {
    globalThis.requestIdleCallback = () => 0;
  });

test('every page opens without a network once the browser was idle', async ({ page, context, expects }) => {
  expects.push(LOST);
  await page.goto('/');
  await settled(page);
  await idle(page);
  await context.setOffline(true);
  await page.getByRole('link', { name: /^Cart/ }).click();
  await expect(cartTitle(page)).toBeVisible();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.getByRole('link', { name: 'Make an account' }).click();
  await expect(page.getByRole('heading', { name: 'Make an account' })).toBeVisible();
  for (const help of ['Returns', 'Contact', 'Privacy']) {
    await page.getByRole('contentinfo').getByRole('link', { name: help }).click();
    await expect(page.getByRole('heading', { level: 1, name: help })).toBeVisible();
  }
  await page.getByRole('contentinfo').getByRole('link', { name: 'All products' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Everything' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'The shop is out of reach' })).toBeVisible();
});

test('so does what is somebody’s own', async ({ page, context, expects }) => {
  expects.push(LOST);
  await signUp(page);
  await settled(page);
  await idle(page);
  await context.setOffline(true);
  await page.getByRole('link', { name: 'Your orders and account' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Your orders' })).toBeVisible();
  await page.getByRole('link', { name: 'Account and sessions' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Account' })).toBeVisible();
});

for (const saveData of [false, true]) {
  test(`code is ${saveData ? 'not ' : ''}fetched ahead for whoever ${saveData ? 'saves' : 'spends'} data`, async ({
    page,
  }) => {
    await page.addInitScript((saves) => {
      Object.defineProperty(navigator, 'connection', { value: { saveData: saves } });
      // Whoever fetches ahead asks for an idle moment, so what was asked for is counted, not waited for.
      const ask = requestIdleCallback;
      Object.assign(globalThis, { moments: 0 });
      globalThis.requestIdleCallback = (...args) => {
        (globalThis as unknown as { moments: number }).moments += 1;
        return ask(...args);
      };
    }, saveData);
    await page.goto('/');
    await settled(page);
    const moments = () => page.evaluate(() => (globalThis as unknown as { moments: number }).moments);
    if (saveData) {
      expect(await moments()).toBe(0);
      expect(await fetched(page)).toEqual([]);
    } else {
      await expect.poll(moments).toBeGreaterThan(0);
      await idle(page);
    }
  });
}

test('a page whose code was never loaded fails in its place, by button too, and comes with the network', async ({
  page,
  context,
  expects,
}) => {
  expects.push(LOST);
  await neverIdle(page);
  await page.goto('/');
  await settled(page);
  await context.setOffline(true);
  await page.getByRole('link', { name: /^Cart/ }).click();
  await expect(lost(page)).toBeVisible();
  await expect(page.getByRole('banner')).toBeVisible();
  await expect(page.getByRole('contentinfo')).toBeVisible();
  expect(await page.evaluate(() => document.activeElement?.tagName)).not.toBe('BODY');
  // A dead button would look the same: each press must have asked for the code once more.
  let tries = 0;
  page.on('requestfailed', (request) => {
    if (/\/assets\/Cart-|\/shop\/cart$/.test(request.url())) tries += 1;
  });
  for (let times = 1; times <= 3; times += 1) {
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect.poll(() => tries).toBeGreaterThanOrEqual(times);
    await expect(lost(page)).toBeVisible();
  }
  await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
  await context.setOffline(false);
  await expect(cartTitle(page)).toBeVisible();
  expect(await page.evaluate(() => 'sameDocument' in globalThis)).toBe(true);
});

test('a page whose code did not come once comes by the button', async ({ page, expects }) => {
  expects.push(LOST);
  await neverIdle(page);
  await page.goto('/');
  await settled(page);
  await page.route(/\/assets\/Cart-/, (route) => route.abort());
  await page.getByRole('link', { name: /^Cart/ }).click();
  await expect(lost(page)).toBeVisible();
  await page.unroute(/\/assets\/Cart-/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(cartTitle(page)).toBeVisible();
});

test('a browser that remembers a script as missing gets a new document by the button', async ({ page, expects }) => {
  expects.push(LOST);
  await neverIdle(page);
  await page.goto('/');
  await settled(page);
  // As some browsers do: until the document is another one, the same script is not asked for again.
  let remembered = true;
  page.on('request', (request) => {
    if (request.isNavigationRequest()) remembered = false;
  });
  await page.route(/\/assets\/Cart-/, (route) => (remembered ? route.abort() : route.continue()));
  await page.getByRole('link', { name: /^Cart/ }).click();
  await expect(lost(page)).toBeVisible();
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(cartTitle(page)).toBeVisible();
});

test('a new release while the page is open: the next page is of the new one', async ({ page, expects }) => {
  expects.push(GONE);
  await addToCart(page, 'MUG-STR-01');
  await neverIdle(page);
  // The tab holds the document of an older release, which starts by another script; its other files are gone.
  let older = true;
  let gone = 0;
  await page.route('/', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace('/assets/index-', '/assets/index-older-') });
  });
  await page.route(/\/assets\/index-older-/, async (route) =>
    route.fulfill({ response: await route.fetch({ url: route.request().url().replace('-older', '') }) }),
  );
  await page.route(/\/assets\/Cart-/, (route) => {
    if (!older) return route.continue();
    gone += 1;
    return route.fulfill({ status: 404, body: '' });
  });
  await page.goto('/');
  await settled(page);
  page.on('request', (request) => {
    if (request.isNavigationRequest()) older = false;
  });
  await page.getByRole('link', { name: /^Cart/ }).click();
  await expect(cartTitle(page)).toBeVisible();
  await expect(page.getByRole('textbox', { name: /^Quantity/ })).toHaveValue('1');
  expect({ older, gone: gone > 0 }).toEqual({ older: false, gone: true });
});
