/** The states nobody wants and everybody meets: errors, limits, no network, hostile input. */
import { expect, type Page, test } from './fixtures.ts';
import { keep } from './keep.ts';
import { addToCart, checkout, PASSWORD, settled, signOut, signUp, somebody } from './visit.ts';

const PROVOKED = /Failed to load resource/;

/** Answers an rpc with an error instead of asking the server. */
const refuse = (
  page: Page,
  rpc: string,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): Promise<unknown> =>
  page.route(new RegExp(`/${rpc}$`), (route) =>
    route.fulfill({
      status,
      contentType: 'application/json',
      headers,
      body: JSON.stringify({ code, message: 'as the test wishes' }),
    }),
  );

test.describe('errors', () => {
  test.beforeEach(({ expects }) => void expects.push(PROVOKED));

  test('out of reach, with a number to quote and a way back', async ({ page }) => {
    await refuse(page, 'GetProductPage', 503, 'unavailable', { 'x-correlation-id': 'abc-123' });
    await page.goto('/shop/products/VAS-AMP-01');
    await page.getByRole('heading', { name: 'The shop is out of reach' }).waitFor();
    await page.getByText('abc-123').waitFor();
    await keep(page, 'out-of-reach');
    await page.unroute(/\/GetProductPage$/);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { name: 'Amphora vase' }).waitFor();
  });

  test('too fast: a countdown from what the server asks, and by the clock', async ({ page }) => {
    await page.clock.install();
    await refuse(page, 'GetSearchPage', 429, 'resource_exhausted', { 'retry-after': '3600' });
    await page.goto('/shop/search');
    await page.getByRole('button', { name: /Try again in \d+ s/ }).waitFor();
    await expect(page.locator('main .animate-shimmer'), 'what failed is not waited for').toHaveCount(0);
    await keep(page, 'too-fast');
    await page.unroute(/\/GetSearchPage$/);
    // A computer that slept meanwhile: each timer fires once.
    await page.clock.fastForward('58:00');
    await page.getByRole('button', { name: /Try again in \d{2,3} s/ }).waitFor();
    await page.clock.fastForward('02:00');
    await page.getByRole('button', { name: 'Try again', exact: true }).click();
    await page.getByRole('list', { name: 'Results' }).waitFor();
  });

  test('a front page that failed waits for nothing', async ({ page }) => {
    await refuse(page, 'GetHome', 503, 'unavailable');
    await page.goto('/');
    await page.getByRole('heading', { name: 'The shop is out of reach' }).waitFor();
    await expect(page.locator('main .animate-shimmer')).toHaveCount(0);
    await keep(page, 'home-failed');
    await page.unroute(/\/GetHome$/);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('list', { name: 'New on the shelf' }).waitFor();
  });

  // What was shown is shown on, and says that it is of a moment ago, until the shop answers again.
  for (const [rpc, path, seconds] of [
    ['GetHome', '/', 30],
    ['GetSearchPage', '/shop/search', 30],
    ['GetProductPage', '/shop/products/VAS-AMP-01', 30],
    ['GetCartPage', '/shop/cart', 30],
  ] as const)
    test(`${path} that cannot be asked for again stays, and says so`, async ({ page, context }) => {
      await page.clock.install();
      await page.addInitScript(() => localStorage.setItem('stoa.cart', '[{"sku":"VAS-AMP-01","quantity":1}]'));
      await page.goto(path);
      await settled(page);
      const things = page.locator('main').locator('h1, a');
      const shown = await things.allTextContents();
      await refuse(page, rpc, 503, 'unavailable');
      // Both of what makes a page ask anew: time, and a network that was away.
      const again = async (): Promise<void> => {
        await page.clock.fastForward(seconds * 1000);
        await context.setOffline(true);
        await context.setOffline(false);
      };
      await again();
      await expect(page.getByText('from a moment ago; the shop did not answer just now.')).toBeVisible();
      await expect(page.locator('main [role=alert]')).toHaveCount(0);
      // More may have come meanwhile, such as what is bought beside it.
      expect(await things.allTextContents(), 'what was shown is shown on').toEqual(expect.arrayContaining(shown));
      await page.unroute(new RegExp(`/${rpc}$`));
      await again();
      await expect(page.getByText('from a moment ago')).toHaveCount(0);
    });

  test('who one is did not come: the account says so and asks again', async ({ page }) => {
    const who = await signUp(page);
    await refuse(page, 'GetUser', 503, 'unavailable');
    await page.goto('/account');
    await page.getByRole('heading', { name: 'The shop is out of reach' }).waitFor();
    await page.unroute(/\/GetUser$/);
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect(page.locator('main')).toContainText(who.email);
  });

  test('no network: a strip that says so, and the page stays', async ({ page, context }) => {
    await page.goto('/shop/products/VAS-AMP-01');
    await settled(page);
    await context.setOffline(true);
    await page.getByText('You are offline.').waitFor();
    await page.getByRole('heading', { name: 'Amphora vase' }).waitFor();
    await keep(page, 'offline');
    await context.setOffline(false);
    await page.getByText('You are offline.').waitFor({ state: 'detached' });
  });

  test('a payment nobody has an answer to', async ({ page }) => {
    await page.clock.install();
    await signUp(page);
    await addToCart(page, 'MUG-TAL-01');
    const pay = await checkout(page);
    await refuse(page, 'CreateOrder', 429, 'resource_exhausted', { 'retry-after': '16' });
    await pay.click();
    await page.getByText('We do not know yet whether').waitFor();
    await keep(page, 'unknown-payment');
    await page.unroute(/\/CreateOrder$/);
    await page.clock.runFor(16_000);
    await page.getByRole('button', { name: 'Try again', exact: true }).click();
    await page.waitForURL(/\/account\/orders\/[0-9a-f-]{36}$/);
  });

  test('declined', async ({ page }) => {
    await signUp(page);
    await addToCart(page, 'MUG-TAL-02');
    await (await checkout(page, 'The card that declines')).click();
    await page.getByRole('heading', { name: 'The payment was declined' }).waitFor();
    await keep(page, 'declined');
  });
});

test('parts that are missing leave a quiet note, not a hole', async ({ page }) => {
  await page.route(/\/GetHome$/, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), degraded: ['recommendation'] } });
  });
  await page.goto('/');
  await page.getByText('Suggestions are resting').waitFor();
});

test('an address that somebody shortened leads to everything', async ({ page }) => {
  for (const path of ['/shop', '/shop/', '/shop/products', '/shop/products/']) {
    await page.goto(path);
    await page.getByRole('heading', { level: 1, name: 'Everything' }).waitFor();
    expect(new URL(page.url()).pathname, path).toBe('/shop/search');
  }
});

test('what is not sold, and what was never asked so long: pages of their own', async ({ page, expects }) => {
  expects.push(PROVOKED);
  await page.goto('/shop/products/NO-SUCH-01');
  await page.getByRole('heading', { level: 1, name: 'We could not find that' }).waitFor();
  await expect(page.getByRole('button', { name: 'Try again' })).toHaveCount(0);
  await keep(page, 'not-sold');
  await page.goto(`/shop/search?query=${'a'.repeat(300)}`);
  await page.getByRole('heading', { name: 'That is a very long search' }).waitFor();
  await keep(page, 'too-long');
});

test('wrong passwords and known e-mails get plain answers', async ({ page, expects }) => {
  expects.push(PROVOKED);
  const who = await signUp(page);
  await signOut(page);
  await page.getByRole('link', { name: 'Sign in' }).first().click();
  await page.getByLabel('E-mail').fill(who.email);
  await page.getByLabel('Password').fill('not the sentence');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('do not fit together').waitFor();
  await keep(page, 'wrong-password');
  await page.getByRole('link', { name: 'Make an account' }).click();
  await page.getByLabel('Name').fill(who.name);
  await page.getByLabel('E-mail').fill(who.email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByText('There is an account with this e-mail already').waitFor();
  const other = somebody();
  await page.getByLabel('E-mail').fill(other.email);
  for (const common of ['12345678', 'Password1!', 'qwertyuiop']) {
    await page.getByLabel('Password').fill(common);
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.getByText('among the first that anybody would try').waitFor();
    await expect(page.getByLabel('Name')).toHaveValue(who.name);
  }
  // The account is made and the answer is lost: whoever presses once more is let in.
  const route = /\/SignUp$/;
  await page.route(route, async (asked) => {
    await asked.fetch();
    await asked.abort('connectionreset');
  });
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByRole('heading', { name: 'The shop is out of reach' }).waitFor();
  await page.unroute(route);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByRole('link', { name: 'Your orders and account' }).waitFor();
});

/** row: S-17 */
test('scripts typed into any field stay text, and no link leads away', async ({ page }) => {
  const ran: string[] = [];
  page.on('dialog', (dialog) => {
    ran.push(dialog.message());
    void dialog.dismiss();
  });
  const payload = '<img src=x onerror=alert(1)><script>alert(2)</script>';
  await signUp(page, { ...somebody(), name: payload });
  await page.getByRole('heading', { name: /Good to see you, <img/ }).waitFor();
  await page.goto(`/shop/search?query=${encodeURIComponent(payload)}`);
  await page.getByRole('heading', { name: /<script>/ }).waitFor();
  await page.goto('/account/sign-in?next=/shop/search?query=日本');
  await page.getByRole('heading', { name: /日本/ }).waitFor();
  await signOut(page);
  for (const next of [
    'javascript:alert(3)',
    '//evil.example/',
    'https://evil.example/',
    '/\t/evil.example/',
    '/.//evil.example/',
  ]) {
    await page.goto(`/account/sign-in?next=${encodeURIComponent(next)}`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    const onwards = await page.getByRole('link', { name: 'Make an account' }).getAttribute('href');
    expect(onwards).not.toMatch(/evil|javascript/);
  }
  expect(ran).toEqual([]);
});
