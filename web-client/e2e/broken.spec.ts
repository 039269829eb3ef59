/** A page that breaks: it says so in its place, gives a number to quote, and keeps what was entered. */
import type { Route } from '@playwright/test';
import { expect, type Page, test } from './fixtures.ts';
import { keep } from './keep.ts';
import { addToCart, PASSWORD, settled, signUp, somebody } from './visit.ts';

/** No server sends such a thing; a page that formats it throws a RangeError, as a fault of our own would. */
const BROKEN_MONEY = { currencyCode: '?', units: '1', nanos: 0 };
const FAULT = /RangeError/;

/** Answers with what the shop says, changed. */
const changed = (change: (answer: Record<string, unknown>) => unknown) => async (route: Route) => {
  const response = await route.fetch();
  await route.fulfill({ response, json: change(await response.json()) });
};

/** The correlation ids of the page's calls, in their order. */
function calls(page: Page): string[] {
  const ids: string[] = [];
  page.on('request', (request) => {
    const id = request.headers()['x-correlation-id'];
    if (id) ids.push(id);
  });
  return ids;
}

const broken = (page: Page) => page.getByRole('heading', { name: 'Something broke on our side' });
const tryAgain = (page: Page) => page.getByRole('button', { name: 'Try again' });
const focus = (page: Page) => page.evaluate(() => document.activeElement?.tagName);

test('a product page that breaks quotes its last call and keeps the chosen quantity', async ({ page, expects }) => {
  expects.push(FAULT);
  const ids = calls(page);
  await page.clock.install();
  await page.goto('/shop/products/MUG-STR-01');
  await settled(page);
  const quantity = page.getByRole('textbox', { name: 'Quantity' });
  await quantity.fill('7');
  await quantity.press('Enter');

  await page.route(
    /GetProductPage$/,
    changed((answer) => ({ ...answer, price: { amount: BROKEN_MONEY } })),
  );
  const asked = page.waitForResponse(/GetProductPage$/);
  // The page asks for the stock of the moment every now and then; this answer breaks it.
  await page.clock.fastForward('00:20');
  await asked;
  await expect(broken(page)).toBeVisible();
  await expect(page.getByText(`Number to quote: ${ids.at(-1)}`)).toBeVisible();
  await expect(page.getByRole('banner')).toBeVisible();
  expect(await focus(page)).not.toBe('BODY');
  await keep(page, 'broken');

  await page.unroute(/GetProductPage$/);
  await tryAgain(page).click();
  await expect(quantity).toHaveValue('7');
  expect(await focus(page)).not.toBe('BODY');
});

test('a checkout that breaks keeps the chosen method', async ({ page, expects }) => {
  expects.push(FAULT);
  await signUp(page);
  await addToCart(page, 'MUG-STR-01');
  await page.goto('/shop/checkout');
  const slow = page.getByRole('radio', { name: 'The slow card' });
  await slow.check({ force: true });

  await page.route(
    /GetCartPage$/,
    changed((answer) => ({ ...answer, total: BROKEN_MONEY })),
  );
  // Another tab puts something more into the cart, so that it is priced again.
  const other = await page.context().newPage();
  await addToCart(other, 'MUG-TAL-01');
  await expect(broken(page)).toBeVisible();
  await expect(page.getByText(/Number to quote: [0-9a-f-]{36}/)).toBeVisible();

  await page.unroute(/GetCartPage$/);
  await tryAgain(page).click();
  await expect(slow).toBeChecked();
  await expect(page.getByRole('button', { name: /^Pay / })).toBeVisible();
});

test('a form that breaks keeps what was typed, but no password', async ({ page, expects }) => {
  expects.push(/broke by itself/, /SignUp/);
  const who = somebody();
  await page.goto('/account/sign-up');
  await page.getByLabel('Name').fill(who.name);
  await page.getByLabel('E-mail').fill(who.email);
  await page.getByLabel('Password').fill(PASSWORD);
  // A fault in the page's own code: the notice that tells of the refusal cannot be made.
  await page.evaluate(() => {
    const set = Element.prototype.setAttribute;
    Element.prototype.setAttribute = function (name: string, value: string) {
      if (this.tagName === 'DIV' && value === 'status') throw new TypeError('broke by itself');
      set.call(this, name, value);
    };
  });
  await page.route(/SignUp$/, (route) => route.fulfill({ status: 409, json: { code: 'already_exists' } }));
  await page.getByRole('button', { name: 'Make the account' }).click();
  await expect(broken(page)).toBeVisible();
  await expect(page.getByText(/Number to quote: [0-9a-f-]{36}/)).toBeVisible();

  await page.unroute(/SignUp$/);
  await tryAgain(page).click();
  await expect(page.getByLabel('Name')).toHaveValue(who.name);
  await expect(page.getByLabel('E-mail')).toHaveValue(who.email);
  await expect(page.getByLabel('Password')).toHaveValue('');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await expect(page.getByRole('heading', { name: /Good to see you/ })).toBeVisible();
});

test('the frame of all pages may break too, and comes back', async ({ page, expects }) => {
  expects.push(/broke by itself/);
  await page.goto('/shop/products/MUG-STR-01');
  await settled(page);
  await page.evaluate(() => {
    const set = Element.prototype.setAttribute;
    Element.prototype.setAttribute = function (name: string, value: string) {
      if (String(value).startsWith('Cart, ')) throw new TypeError('broke by itself');
      set.call(this, name, value);
    };
    Object.assign(globalThis, { mend: () => Object.assign(Element.prototype, { setAttribute: set }) });
  });
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await expect(broken(page)).toBeVisible();
  await expect(page.getByText(/Number to quote: [0-9a-f-]{36}/)).toBeVisible();
  await page.evaluate(() => (globalThis as unknown as { mend: () => void }).mend());
  await tryAgain(page).click();
  await expect(page.getByRole('link', { name: 'Cart, 1 piece' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Add to cart' })).toBeVisible();
});

test('a service that was away is asked twice more before the page says so, one that was slow once', async ({
  page,
  expects,
}) => {
  expects.push(/Failed to load resource/);
  let asked = 0;
  let left = 0;
  let code = '';
  await page.route(/GetProductPage$/, async (route) => {
    asked += 1;
    if (left === 0) return route.continue();
    left -= 1;
    return route.fulfill({ status: 503, json: { code } });
  });
  const open = async (kind: string, times: number): Promise<void> => {
    [asked, left, code] = [0, times, kind];
    await page.goto('/shop/products/MUG-STR-01');
  };
  for (const [kind, again, title] of [
    ['unavailable', 2, 'The shop is out of reach'],
    ['deadline_exceeded', 1, 'That took too long'],
    ['internal', 0, 'Something broke on our side'],
  ] as const) {
    await open(kind, again);
    await expect(page.getByRole('button', { name: 'Add to cart' }), kind).toBeVisible();
    expect(asked, kind).toBe(again + 1);
    await open(kind, 9);
    await expect(page.getByRole('heading', { name: title })).toBeVisible();
    expect(asked, kind).toBe(again + 1);
  }
});

test('the number to quote is copied; where a page may not copy, it is selected', async ({ page, context, expects }) => {
  expects.push(/Failed to load resource/);
  await page.route(/GetProductPage$/, (route) => route.fulfill({ status: 503, json: { code: 'unavailable' } }));
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('/shop/products/MUG-STR-01');
  const number = page.locator('main code');
  await page.getByRole('button', { name: 'Copy' }).click();
  await expect(page.getByRole('button', { name: 'Copied' })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(await number.textContent());

  // As on any plain http address but this machine's own.
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await page.reload();
  await page.getByRole('button', { name: 'Copy' }).click();
  await expect(page.getByRole('button', { name: 'Selected' })).toBeVisible();
  expect(await page.evaluate(() => String(getSelection()))).toBe(await number.textContent());
});

test('the policy of the page lets the empty string become markup, and no other', async ({ page, expects }) => {
  expects.push(/TrustedHTML|TrustedScript/);
  await page.goto('/');
  await settled(page);
  const tried = await page.evaluate(() => {
    const attempt = (work: (element: HTMLElement) => void): string => {
      try {
        work(document.createElement('div'));
        return 'let through';
      } catch (error) {
        return (error as Error).name;
      }
    };
    return [
      attempt((element) => {
        element.innerHTML = '';
      }),
      attempt((element) => {
        element.innerHTML = ' ';
      }),
      attempt((element) => {
        element.innerHTML = '<b>x</b>';
      }),
      attempt(() => {
        document.createElement('script').src = '/assets/theme-2.js';
      }),
      attempt(() => {
        document.createElement('script').text = '1';
      }),
    ];
  });
  expect(tried).toEqual(['let through', 'TypeError', 'TypeError', 'TypeError', 'TypeError']);
});
