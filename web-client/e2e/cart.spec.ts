/** The cart: what is taken out, what is put back, and what it cannot hold. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { CDPSession, Page } from '@playwright/test';
import { asKeeper } from './account.ts';
import { expect, test } from './fixtures.ts';
import { keep } from './keep.ts';
import { addToCart, painted, settled, signUp } from './visit.ts';

const DEMO: { sku: string; name: string }[] = JSON.parse(
  readFileSync(new URL('../../stoa/demo/products.json', import.meta.url), 'utf8'),
);
const THREE = [
  { sku: 'LMP-DOM-02', quantity: 1 },
  { sku: 'MUG-STR-03', quantity: 4 },
  { sku: 'VAS-AMP-01', quantity: 2 },
];

/** Fills the cart as an earlier visit would have, and opens it. */
async function openCart(page: Page, items: readonly { sku: string; quantity: number }[]): Promise<void> {
  await page.goto('/shop/no-such-page');
  await page.evaluate((cart) => localStorage.setItem('stoa.cart', JSON.stringify(cart)), items);
  await page.goto('/shop/cart');
  await page.getByRole('link', { name: 'To the checkout' }).waitFor();
}

const stored = (page: Page): Promise<unknown> =>
  page.evaluate(() => JSON.parse(localStorage.getItem('stoa.cart') ?? '[]'));

test('Remove, again and again: the focus goes on to the next line, then to the top, and all can be put back', async ({
  page,
}) => {
  await openCart(page, THREE);
  const removes = page.getByRole('button', { name: /^Remove / });
  await removes.nth(1).focus();
  await page.keyboard.press('Enter');
  await expect(removes).toHaveCount(2);
  await expect(page.getByRole('button', { name: 'Remove Amphora vase' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Remove Harbour table lamp' })).toBeFocused();
  await page.keyboard.press('Enter');
  await page.getByText('Nothing in it yet.').waitFor();
  await expect(page.getByRole('heading', { name: 'Cart' })).toBeFocused();
  await page.getByRole('button', { name: 'Put back the 3 things I removed' }).click();
  await expect(removes).toHaveCount(3);
  await expect(page.getByRole('heading', { name: 'Cart' })).toBeFocused();
  expect(await stored(page)).toEqual(expect.arrayContaining(THREE));
  for (const name of ['Amphora vase', 'Harbour table lamp', 'Amphora vase']) {
    await page.getByRole('button', { name: `Remove ${name}` }).click();
    await expect(removes).toHaveCount(2);
    await page.getByRole('button', { name: 'Put back what I removed' }).click();
    await expect(removes).toHaveCount(3);
  }
  await page.reload();
  await expect(removes).toHaveCount(3);
});

test('what another tab changed meanwhile is kept when something is removed or put back', async ({ page, context }) => {
  await openCart(page, THREE);
  await page.getByRole('button', { name: 'Remove Amphora vase' }).click();
  const other = await context.newPage();
  await addToCart(other, 'CLK-ALM-01');
  await page.getByRole('button', { name: 'Put back what I removed' }).click();
  await expect(page.getByRole('button', { name: /^Remove / })).toHaveCount(4);
  await expect(other.getByRole('link', { name: 'Cart, 8 pieces' })).toBeVisible();
});

test('taking what is left keeps the focus on the line', async ({ page }) => {
  await page.goto('/shop/no-such-page');
  await page.evaluate(() => localStorage.setItem('stoa.cart', JSON.stringify([{ sku: 'CHR-LNG-04', quantity: 90 }])));
  await page.goto('/shop/cart');
  await page.getByRole('button', { name: /^Take the/ }).waitFor();
  await keep(page, 'ran-out');
  await page.getByRole('button', { name: /^Take the/ }).click();
  await page.getByRole('link', { name: 'To the checkout' }).waitFor();
  await expect(page.getByRole('textbox', { name: /^Quantity of/ })).toBeFocused();
});

test('the hundred and first thing: the page says that the cart is full, and adds it once there is room', async ({
  page,
}) => {
  const others = DEMO.filter(({ sku }) => sku !== 'VAS-AMP-01').slice(0, 100);
  const full = others.map(({ sku }) => ({ sku, quantity: 1 }));
  await page.goto('/shop/no-such-page');
  await page.evaluate((cart) => localStorage.setItem('stoa.cart', JSON.stringify(cart)), full);
  await page.goto('/shop/products/VAS-AMP-01');
  await page.getByText('Your cart is full: it holds 100 different things').waitFor();
  await expect(page.getByRole('button', { name: 'Add to cart' })).toBeDisabled();
  expect(await stored(page)).toEqual(full);
  await page.getByRole('link', { name: 'Make room in the cart' }).click();
  await page.getByRole('list', { name: 'What is in your cart' }).waitFor({ timeout: 30_000 });
  await page.getByRole('button', { name: `Remove ${others[7]?.name}`, exact: true }).click();
  await addToCart(page, 'VAS-AMP-01');
  await page.getByRole('link', { name: 'Cart, 100 pieces' }).waitFor();
});

test('the most pieces of one thing: no more can be added, and the page says why', async ({ page }) => {
  await page.goto('/shop/no-such-page');
  await page.evaluate(() => localStorage.setItem('stoa.cart', JSON.stringify([{ sku: 'MUG-STR-01', quantity: 99 }])));
  await page.goto('/shop/products/MUG-STR-01');
  await page.route(/\/GetProductPage$/, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), availableQuantity: '5000' } });
  });
  await page.reload();
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.getByText('100 are in your cart. An order takes no more of it.').waitFor();
  await expect(page.getByRole('button', { name: 'Add to cart' })).toBeDisabled();
  expect(await stored(page)).toEqual([{ sku: 'MUG-STR-01', quantity: 100 }]);
});

test('what is added is what the field shows, also when another tab took of the same stock', async ({
  page,
  context,
}) => {
  await context.route(/\/GetProductPage$/, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), availableQuantity: '6' } });
  });
  const other = await context.newPage();
  const quantityOf = (tab: Page) => tab.getByRole('textbox', { name: 'Quantity' });
  for (const [tab, count] of [
    [page, '5'],
    [other, '4'],
  ] as const) {
    await tab.goto('/shop/products/MUG-STR-01');
    await quantityOf(tab).fill(count);
    await quantityOf(tab).press('Enter');
    await expect(quantityOf(tab)).toHaveValue(count);
  }
  await other.getByRole('button', { name: 'Add to cart' }).click();
  await expect(quantityOf(page)).toHaveValue('2');
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.getByText('6 are in your cart. That is all there is.').waitFor();
  expect(await stored(page)).toEqual([{ sku: 'MUG-STR-01', quantity: 6 }]);
});

test('a quantity is a whole number, typed, pasted or left empty', async ({ page }) => {
  await openCart(page, [{ sku: 'MUG-STR-03', quantity: 4 }]);
  const quantity = page.getByRole('textbox', { name: /^Quantity of/ });
  const enter = async (typed: string): Promise<void> => {
    await quantity.fill(typed);
    await quantity.press('Enter');
    await quantity.blur();
  };
  for (const typed of ['1.5', '2,7', '-3', '0', '1e2', '', 'seven']) {
    await enter(typed);
    await expect(quantity, typed).toHaveValue(/^([1-9]\d?|100)$/);
    const kept = Number(await quantity.inputValue());
    await expect.poll(() => stored(page), typed).toEqual([{ sku: 'MUG-STR-03', quantity: kept }]);
  }
  for (const [typed, kept] of [
    ['999', '100'],
    ['7', '7'],
  ] as const) {
    await enter(typed);
    await expect(quantity).toHaveValue(kept);
    await expect.poll(() => stored(page)).toEqual([{ sku: 'MUG-STR-03', quantity: Number(kept) }]);
  }
  await page.reload();
  await expect(quantity).toHaveValue('7');
});

test('a browser that keeps nothing: the cart holds for this tab, and says that it does not last', async ({ page }) => {
  await page.addInitScript(() => {
    const full = Storage.prototype.setItem;
    Storage.prototype.setItem = function (key, value) {
      if (key.startsWith('stoa.')) throw new DOMException('full', 'QuotaExceededError');
      full.call(this, key, value);
    };
  });
  await addToCart(page, 'MUG-STR-03');
  await expect(page.getByText('It ends with this tab')).toBeVisible();
  await page.getByRole('link', { name: /^Cart, 1/ }).click();
  await expect(page.getByText('Your browser does not let the shop keep this cart')).toBeVisible();
  await page.getByRole('button', { name: 'Increase' }).click();
  await expect(page.getByRole('link', { name: 'Cart, 2 pieces' })).toBeVisible();
  await page.getByRole('button', { name: 'Remove' }).click();
  await expect(page.getByText('Nothing in it yet.')).toHaveText('Nothing in it yet.');
  // Nor does it keep who is signed in, and says so.
  await signUp(page);
  await expect(page.getByText('closing or reloading this tab signs you out')).toBeVisible();
});

test('a cart that nobody can add up is mended line by line, with the focus where it was', async ({
  page,
  shop,
  expects,
}) => {
  expects.push(/Failed to load resource/);
  // Not in the catalog, so that nobody else comes upon it.
  const palace = `PALACE-${randomUUID().slice(0, 8)}`;
  const amount = { currencyCode: 'EUR', minorUnits: '9223372036854775807' };
  await asKeeper(shop.url, 'stoa.pricing.v1.PricingService/SetPrice', { sku: palace, amount });
  const cart = [{ sku: palace, quantity: 3 }, ...THREE];
  await page.goto('/shop/no-such-page');
  await page.evaluate((items) => localStorage.setItem('stoa.cart', JSON.stringify(items)), cart);
  await page.goto('/shop/cart');
  await expect(page.getByRole('alert')).toContainText('No payment can be as large as this cart.');
  await expect(page.getByRole('link', { name: 'Look at the cart' })).toHaveCount(0);
  const quantity = page.getByRole('textbox', { name: `Quantity of ${palace}` });
  await quantity.focus();
  for (const left of ['2', '1']) {
    await page.keyboard.press('ArrowDown');
    await expect(quantity).toHaveValue(left);
    await expect(quantity).toBeFocused();
    await expect(page.getByRole('alert')).toContainText('No payment can be');
  }
  await keep(page, 'cart-too-large');
  await page.getByRole('button', { name: `Remove ${palace}` }).click();
  await page.getByRole('link', { name: 'To the checkout' }).waitFor();
  await expect(page.getByRole('alert')).toHaveCount(0);
  expect(await stored(page)).toEqual(THREE);
});

test('a cart stays in hand without a network, and is counted anew with it', async ({ page, context, expects }) => {
  expects.push(/Failed to load resource|ERR_INTERNET_DISCONNECTED/);
  await openCart(page, THREE);
  await settled(page);
  await context.setOffline(true);
  const quantity = page.getByRole('textbox', { name: 'Quantity of Amphora vase' });
  await quantity.focus();
  for (const more of ['3', '4', '5']) {
    await page.keyboard.press('ArrowUp');
    await expect(quantity).toHaveValue(more);
    await expect(quantity).toBeFocused();
  }
  await expect(page.getByText('out of reach')).toBeVisible();
  await expect(quantity, 'and the answer that did not come took nothing').toBeFocused();
  await page.getByRole('button', { name: 'Remove Harbour table lamp' }).click();
  await expect(page.getByRole('button', { name: /^Remove / })).toHaveCount(2);
  await expect(page.getByText('Total')).toHaveCount(0);
  await context.setOffline(false);
  await page.getByRole('link', { name: 'To the checkout' }).waitFor();
  expect(await stored(page)).toEqual([THREE[1], { sku: 'VAS-AMP-01', quantity: 5 }]);
});

test('a press hits what it was meant for, although what stands above it goes away with it', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto('/shop/no-such-page');
  const cart = [{ sku: 'CHR-LNG-04', quantity: 90 }, ...THREE];
  await page.evaluate((items) => localStorage.setItem('stoa.cart', JSON.stringify(items)), cart);
  await page.goto('/shop/cart');
  await page.getByText(/^Only \d+ left\.$/).waitFor();
  const removes = page.getByRole('button', { name: /^Remove / });
  // The shop answers while the finger rests, not sooner.
  let pressed = () => {};
  const press = new Promise<void>((resolve) => {
    pressed = resolve;
  });
  await page.route(/GetCartPage$/, async (route) => {
    await press;
    await route.continue();
  });
  const answer = page.waitForResponse(/GetCartPage$/);
  await page
    .getByRole('textbox', { name: /^Quantity of/ })
    .first()
    .fill('1');
  const box = await removes.nth(1).boundingBox();
  await page.mouse.move((box?.x ?? 0) + 5, (box?.y ?? 0) + (box?.height ?? 0) / 2);
  await page.mouse.down();
  pressed();
  await answer;
  await expect(removes.nth(1)).toBeInViewport();
  expect((await removes.nth(1).boundingBox())?.y, 'it stayed under the finger').toBe(box?.y);
  await page.mouse.up();
  await expect(removes).toHaveCount(3);
  await expect(page.getByText(/^Only \d+ left\.$/)).toHaveCount(0);
});

test.describe('a double click on Remove', () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true });

  /** A press at this place, said to be at this moment: how soon one follows another is no matter of this machine's speed. */
  const hits = {
    mouse: async (input: CDPSession, x: number, y: number, timestamp: number) => {
      for (const type of ['mouseMoved', 'mousePressed', 'mouseReleased'] as const)
        await input.send('Input.dispatchMouseEvent', { type, x, y, timestamp, button: 'left', clickCount: 1 });
    },
    finger: async (input: CDPSession, x: number, y: number, timestamp: number) => {
      await input.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x, y }], timestamp });
      await input.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [], timestamp });
    },
  };
  for (const [name, hit] of Object.entries(hits))
    test(`takes one thing, by ${name}, and a press after a while another`, async ({ page, context }) => {
      const input = await context.newCDPSession(page);
      await openCart(page, THREE);
      await settled(page);
      const removes = page.getByRole('button', { name: /^Remove / });
      const box = await removes.first().boundingBox();
      const [x, y] = [(box?.x ?? 0) + 20, (box?.y ?? 0) + 20];
      const seconds = Date.now() / 1000;
      for (const [later, left] of [
        [0, 2],
        [0.2, 2],
        [0.6, 2],
        [1.3, 1],
      ] as const) {
        await hit(input, x, y, seconds + later);
        await painted(page);
        await expect(removes, `after ${later} s`).toHaveCount(left);
      }
      expect(await stored(page)).toEqual(THREE.slice(2));
    });

  test('goes again where one goes elsewhere in between', async ({ page }) => {
    await openCart(page, THREE);
    await settled(page);
    const removes = page.getByRole('button', { name: /^Remove / });
    for (const left of [2, 1]) {
      await removes.first().click();
      await expect(removes).toHaveCount(left);
      await page.mouse.move(300, 20);
    }
  });

  test('nor does a key that is held go on to what it was not pressed on', async ({ page }) => {
    await openCart(page, THREE);
    const removes = page.getByRole('button', { name: /^Remove / });
    await removes.first().focus();
    for (let times = 0; times < 4; times += 1) await page.keyboard.down('Enter');
    await page.keyboard.up('Enter');
    await expect(removes).toHaveCount(2);
    await page.keyboard.press('Enter');
    await expect(removes).toHaveCount(1);
  });
});

test('the cart promises nothing that a demonstration shop does not do', async ({ page }) => {
  await openCart(page, THREE);
  await settled(page);
  await expect(page.locator('main')).toContainText('nothing is sent and no money moves');
  await expect(page.locator('main')).not.toContainText(/deliver|free|tomorrow/i);
});
