/** No network, a bad one, and a shop that was released anew while a tab was open. */
import { expect, type Page, test } from './fixtures.ts';
import { addToCart, settled } from './visit.ts';

const LOST = /ERR_INTERNET_DISCONNECTED|ERR_FAILED/;
const GONE = /status of 404/;

const lost = (page: Page) => page.getByRole('heading', { name: 'The shop is out of reach' });
const cartTitle = (page: Page) => page.getByRole('heading', { name: 'Cart', exact: true });

/** Waits until the browser had nothing better to do, and every page's code is here. */
async function idle(page: Page): Promise<void> {
  const fetched = () =>
    page.evaluate(
      () => performance.getEntriesByType('resource').filter(({ name }) => /\/Order-[^/]*\.js$/.test(name)).length,
    );
  await expect.poll(fetched).toBe(1);
}

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
});

test('nothing is fetched ahead for whoever saves data', async ({ page }) => {
  await page.addInitScript(() => {
    Object.defineProperty(navigator, 'connection', { value: { saveData: true } });
  });
  await page.goto('/');
  await settled(page);
  await page.evaluate(() => new Promise((idle) => requestIdleCallback(idle)));
  const scripts = await page.evaluate(() =>
    performance.getEntriesByType('resource').filter(({ name }) => /\/(Cart|Order|SignIn)-/.test(name)),
  );
  expect(scripts).toEqual([]);
});

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
  for (let times = 0; times < 3; times += 1) {
    await page.getByRole('button', { name: 'Try again' }).click();
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
