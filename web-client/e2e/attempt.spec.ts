/** Paying when something comes between: what is bought is what was on the page when somebody pressed a button. */
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures.ts';
import { keep } from './keep.ts';
import { addToCart, checkout, leaveAttempt, orderCount, orderIs, signIn, signOut, signUp, somebody } from './visit.ts';

/** After this long nothing that was sent is on its way any more. */
const ARRIVAL_MS = 13_000;
const MINUTE = 60_000;
const CUT = [/CreateOrder/, /ERR_FAILED|ERR_CONNECTION/];

/** Every CreateOrder that a page sends from now on. */
function purchasesOf(page: Page): unknown[] {
  const sent: unknown[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/CreateOrder')) sent.push(request.postDataJSON());
  });
  return sent;
}

/** Lets no CreateOrder of this page reach the shop; resolves when the first one was tried. */
async function cutOff(page: Page): Promise<void> {
  const tried = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/CreateOrder'));
  await page.route(/\/CreateOrder$/, (route) => route.abort('connectionreset'));
  await tried;
}

test('another card right after a declined one, and a reload before the answer: what is told is of the second', async ({
  page,
  expects,
}) => {
  expects.push(/CreateOrder/);
  await addToCart(page, 'MUG-STR-03');
  await signUp(page);
  const pay = await checkout(page, 'The card that declines');
  await pay.click();
  await page.getByRole('heading', { name: 'The payment was declined' }).waitFor();
  await page.getByRole('radio', { name: /^The slow card/ }).check({ force: true });
  const sent = page.waitForRequest(/CreateOrder$/);
  await page.getByRole('button', { name: /^Pay / }).click();
  await sent;
  await page.reload();
  await orderIs(page, 'Confirmed');
  await expect(page.getByRole('link', { name: 'Cart, 0 pieces' })).toBeVisible();
});

test('the same with a sign-out before the answer is known: it is told to whoever comes back, and nothing is paid twice', async ({
  page,
  expects,
}) => {
  expects.push(/CreateOrder/, ...CUT);
  await addToCart(page, 'MUG-STR-03');
  const who = await signUp(page);
  const pay = await checkout(page, 'The card that declines');
  await pay.click();
  await page.getByRole('heading', { name: 'The payment was declined' }).waitFor();
  await page.getByRole('radio', { name: /^The card that pays/ }).check({ force: true });
  let taken = (): void => undefined;
  const reached = new Promise<void>((resolve) => {
    taken = resolve;
  });
  await page.route(/CreateOrder$/, async (route) => {
    await route.fetch();
    taken();
    await route.abort();
  });
  await page.getByRole('button', { name: /^Pay / }).click();
  await reached;
  await signOut(page);
  await page.unroute(/CreateOrder$/);
  await signIn(page, who, '/shop/checkout');
  await orderIs(page, 'Confirmed');
  await expect(page.getByRole('link', { name: 'Cart, 0 pieces' })).toBeVisible();
  expect(await orderCount(page), 'the declined one and the paid one').toBe(2);
});

test('an answer that comes after the sign-out leaves nothing of the order in the browser', async ({
  page,
  context,
}) => {
  await addToCart(page, 'MUG-STR-03');
  await signUp(page);
  const pay = await checkout(page);
  let answer = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let orderId = '';
  await page.route(/CreateOrder$/, async (route) => {
    const response = await route.fetch();
    orderId = (await response.json()).order.id;
    await held;
    await route.fulfill({ response });
  });
  await pay.click();
  await expect.poll(() => orderId).not.toBe('');
  const other = await context.newPage();
  await signOut(other);
  await page.getByRole('link', { name: 'Sign in' }).first().waitFor();
  const noted = () => other.evaluate(() => JSON.stringify({ ...localStorage }));
  expect(await noted(), 'it is kept as long as nobody knows').toContain('tok_ok');
  answer();
  await expect.poll(noted).not.toContain('tok_ok');
  expect(await noted()).not.toContain(orderId);
});

test('who signs out leaves no attempt behind that was never sent', async ({ page }) => {
  await addToCart(page, 'MUG-STR-03');
  await signUp(page, somebody(), '/shop/checkout');
  const noted = () => page.evaluate(() => localStorage.getItem('stoa.attempt'));
  await expect.poll(noted).toContain('customerId');
  await signOut(page);
  expect(await noted()).not.toContain('customerId');
});

test('a session that ended before Pay: nothing was sent, and the cart of that moment is never bought', async ({
  page,
  visitor,
  expects,
}) => {
  expects.push(/CreateOrder.*|Refresh.*/, /401/);
  const who = await signUp(page);
  await addToCart(page, 'MUG-TAL-03');
  const pay = await checkout(page, 'The card that declines');
  const elsewhere = await (await visitor()).newPage();
  await signIn(elsewhere, who, '/account');
  await elsewhere.getByRole('button', { name: 'Sign out everywhere' }).click();
  await elsewhere.getByRole('link', { name: 'Sign in' }).first().waitFor();
  await page.clock.setSystemTime(Date.now() + 30 * MINUTE);
  const refused = page.waitForResponse((response) => response.url().endsWith('/CreateOrder'));
  await pay.click();
  expect((await refused).status()).toBe(401);
  await page.getByLabel('E-mail').waitFor();
  expect(
    await page.evaluate(() => JSON.parse(localStorage.getItem('stoa.attempt') ?? '')),
    'the card that was chosen is chosen still',
  ).toMatchObject([{ method: 'tok_declined' }]);

  await page.goto('/shop/cart');
  await page.getByRole('button', { name: /^Remove/ }).click();
  await addToCart(page, 'VAS-AMP-01');
  const purchases = purchasesOf(page);
  await signIn(page, who, '/shop/checkout');
  await page.getByRole('button', { name: /^Pay / }).waitFor();
  await expect(page.getByRole('radio', { name: 'The card that declines' })).toBeChecked();
  expect(await orderCount(page)).toBe(0);
  await (await checkout(page)).click();
  await orderIs(page, 'Confirmed');
  expect(purchases).toMatchObject([{ items: [{ sku: 'VAS-AMP-01', quantity: 1 }] }]);
  expect(await orderCount(page)).toBe(1);
});

test('an attempt of ten minutes ago is shown with its things and its total, and dropped', async ({ page }) => {
  await signUp(page);
  await addToCart(page, 'VAS-AMP-01');
  await leaveAttempt(page, 10 * MINUTE, [{ sku: 'LMP-DOM-02', quantity: 2 }]);
  const purchases = purchasesOf(page);
  await page.reload();
  await page.getByRole('heading', { name: 'No order has come of this payment so far' }).waitFor();
  await expect(page.getByRole('list', { name: 'What it would buy' })).toContainText('Harbour table lamp');
  await expect(page.locator('main')).toContainText('€258.00');
  await keep(page, 'unanswered');
  await page.getByRole('button', { name: 'Drop it' }).click();
  await page.getByRole('button', { name: /^Pay / }).waitFor();
  await expect(page.getByRole('heading', { name: 'Checkout' })).toBeFocused();
  await page.reload();
  await page.getByRole('button', { name: /^Pay / }).waitFor();
  expect(purchases, 'nothing was bought on the way').toEqual([]);
  expect(await orderCount(page)).toBe(0);
});

test('an attempt of ten minutes ago is finished as it was, once, and the cart of today stays', async ({ page }) => {
  await signUp(page);
  await addToCart(page, 'VAS-AMP-01');
  await leaveAttempt(page, 10 * MINUTE, [{ sku: 'LMP-DOM-02', quantity: 1 }]);
  const purchases = purchasesOf(page);
  await page.reload();
  await page.getByRole('button', { name: 'Finish this payment' }).dblclick();
  await orderIs(page, 'Confirmed');
  expect(purchases).toMatchObject([{ items: [{ sku: 'LMP-DOM-02', quantity: 1 }] }]);
  await page.getByRole('link', { name: 'Cart, 1 piece' }).waitFor();
  expect(await orderCount(page)).toBe(1);
});

test('an attempt that grew too old on an open page is not sent again', async ({ page }) => {
  await page.clock.install();
  await signUp(page);
  await leaveAttempt(page, 60 * MINUTE, [{ sku: 'LMP-DOM-02', quantity: 1 }]);
  await page.reload();
  const finish = page.getByRole('button', { name: 'Finish this payment' });
  await finish.waitFor();
  await page.getByText('Total').waitFor();
  const purchases = purchasesOf(page);
  // Nothing has been drawn anew since, so the button still stands.
  await page.clock.setSystemTime(Date.now() + 24 * 60 * MINUTE);
  await finish.click();
  await page.getByText('It is too old to be sent again as it was.').waitFor();
  await expect(finish).toHaveCount(0);
  expect(purchases).toEqual([]);
});

test('an attempt older than the key the shop keeps is not sent again', async ({ page }) => {
  await signUp(page);
  await leaveAttempt(page, 24 * 60 * MINUTE, [{ sku: 'LMP-DOM-02', quantity: 1 }]);
  await page.reload();
  await page.getByRole('heading', { name: 'No order has come of this payment' }).waitFor();
  await expect(page.getByRole('button', { name: 'Finish this payment' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Drop it' }).click();
  await page.getByText('There is nothing in the cart to pay for.').waitFor();
});

test('asking what became of a payment asks, and buys nothing', async ({ page, context, expects }) => {
  expects.push(...CUT);
  await signUp(page);
  await addToCart(page, 'MUG-ESP-04');
  const pay = await checkout(page);
  const cut = cutOff(page);
  await pay.click();
  await cut;
  const next = await context.newPage();
  await page.close();
  const purchases = purchasesOf(next);
  await next.clock.install();
  await next.goto('/');
  const asked = next.waitForResponse(/ListOrders$/);
  await next.getByRole('link', { name: 'ask what became of it' }).click();
  // A question that is under way would run out of time with the clock.
  await (await asked).finished();
  await next.clock.fastForward(ARRIVAL_MS);
  await next.getByRole('heading', { name: 'No order has come of this payment so far' }).waitFor();
  await next.getByRole('button', { name: 'Ask again' }).click();
  await next.getByRole('heading', { name: 'No order has come of this payment so far' }).waitFor();
  expect(purchases, 'asking sends nothing that buys').toEqual([]);
  await next.getByRole('button', { name: 'Finish this payment' }).click();
  await orderIs(next, 'Confirmed');
  await next.getByRole('link', { name: 'Cart, 0 pieces' }).waitFor();
  expect(await orderCount(next)).toBe(1);
});

test('a payment whose answer was cut is found by asking alone, and taken out of the cart', async ({
  page,
  context,
  expects,
}) => {
  expects.push(...CUT);
  await signUp(page);
  await addToCart(page, 'MUG-ESP-02');
  const pay = await checkout(page);
  const answered = new Promise<void>((resolve) => {
    void page.route(/\/CreateOrder$/, async (route) => {
      await route.fetch();
      resolve();
    });
  });
  await pay.click();
  await answered;
  const next = await context.newPage();
  await page.close();
  const purchases = purchasesOf(next);
  await next.goto('/shop/checkout');
  await orderIs(next, 'Confirmed');
  await next.getByRole('link', { name: 'Cart, 0 pieces' }).waitFor();
  expect(purchases).toEqual([]);
  expect(await orderCount(next)).toBe(1);
});

test('two tabs press Pay at once: one order', async ({ page, context }) => {
  await signUp(page);
  await addToCart(page, 'MUG-ESP-01');
  const other = await context.newPage();
  const [here, there] = [await checkout(page), await checkout(other)];
  // The slower tab may have heard of the other one's payment by then, and shows no button any more.
  const late = there.click({ timeout: 3_000 }).catch(() => undefined);
  await Promise.all([here.click({ timeout: 3_000 }).catch(() => undefined), late]);
  await Promise.all([page.waitForURL(/\/account\/orders/), other.waitForURL(/\/account\/orders/)]);
  expect(await orderCount(page)).toBe(1);
});

test('while one tab waits for its answer, another one with a changed cart cannot pay past it', async ({
  page,
  context,
  expects,
}) => {
  expects.push(...CUT);
  await signUp(page);
  await addToCart(page, 'MUG-ESP-01');
  const other = await context.newPage();
  await other.clock.install();
  const payThere = await checkout(other);
  const pay = await checkout(page);
  const cut = cutOff(page);
  await pay.click();
  await cut;
  await expect(payThere).toHaveCount(0);
  await page.close();
  await other.clock.fastForward(ARRIVAL_MS);
  await other.getByRole('heading', { name: 'No order has come of this payment so far' }).waitFor();
  await other.getByRole('button', { name: 'Drop it' }).click();
  await payThere.click();
  await orderIs(other, 'Confirmed');
  expect(await orderCount(other)).toBe(1);
});

test('whoever leaves the checkout while it pays is told what became of it', async ({ page }) => {
  await signUp(page);
  await addToCart(page, 'MUG-ESP-03');
  await page.goto('/shop/cart');
  await page.getByRole('link', { name: 'To the checkout' }).click();
  await page.getByRole('radio', { name: 'The slow card' }).check({ force: true });
  await page.getByRole('button', { name: /^Pay / }).click();
  await expect(page.getByRole('button', { name: /^Paying/ })).toBeVisible();
  await page.goBack();
  await page.getByText('A payment of yours has no answer yet').waitFor();
  await page.getByText('Your payment has become an order').waitFor();
  await page.getByRole('link', { name: 'see how it stands' }).click();
  await orderIs(page, 'Confirmed');
  await expect(page.getByText('Your payment has become an order')).toHaveCount(0);
});

test('a payment that the browser has no room to remember is not sent, by two tabs neither, until there is room', async ({
  page,
  context,
}) => {
  await signUp(page);
  await addToCart(page, 'MUG-ESP-02');
  const [purchases, other] = [purchasesOf(page), await context.newPage()];
  const theirs = purchasesOf(other);
  await page.evaluate(() => {
    // To the last letter, in halves.
    for (let size = 8 * 1024 * 1024; size > 0; size = Math.floor(size / 2))
      try {
        for (;;) localStorage.setItem(`full-${size}-${localStorage.length}`, 'x'.repeat(size));
      } catch {}
  });
  for (const tab of [page, other]) {
    await (await checkout(tab, 'The slow card')).click();
    await tab.getByRole('heading', { name: 'Your browser has no room for this payment' }).waitFor();
    await expect(tab.getByRole('button', { name: /^Pay / }), 'nothing was sent that one could ask about').toBeVisible();
  }
  await keep(page, 'no-room');
  expect([...purchases, ...theirs]).toEqual([]);
  await page.evaluate(() => {
    for (const key of Object.keys(localStorage)) if (key.startsWith('full-')) localStorage.removeItem(key);
  });
  await page.getByRole('button', { name: 'Try again' }).click();
  await orderIs(page, 'Confirmed');
  expect(await orderCount(page)).toBe(1);
});

test('what is paid without a network is not sent, now or later', async ({ page, context, expects }) => {
  expects.push(...CUT);
  await signUp(page);
  await addToCart(page, 'MUG-ESP-03');
  const purchases = purchasesOf(page);
  const pay = await checkout(page);
  await context.setOffline(true);
  await pay.click();
  await page.getByRole('heading', { name: 'The shop is out of reach' }).waitFor();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('heading', { name: 'The shop is out of reach' }).waitFor();
  await context.setOffline(false);
  await expect(pay).toBeEnabled();
  expect(purchases).toEqual([]);
  await page.getByRole('button', { name: 'Try again' }).click();
  await orderIs(page, 'Confirmed');
  expect(await orderCount(page)).toBe(1);
});

test('a total that could not be asked for again says so beside the button that pays', async ({ page, expects }) => {
  expects.push(/CreateOrder/, /GetCartPage/);
  await signUp(page);
  await addToCart(page, 'CLK-ALM-01');
  const pay = await checkout(page, 'The card that declines');
  await expect(pay).toBeEnabled();
  await page.route(/\/GetCartPage$/, (route) =>
    route.fulfill({ status: 503, json: { code: 'unavailable', message: 'as the test wishes' } }),
  );
  await pay.click();
  await page.getByRole('heading', { name: 'The payment was declined' }).waitFor();
  const note = page.getByText('This total is from a moment ago');
  await note.waitFor();
  await page.unroute(/\/GetCartPage$/);
  await pay.click();
  await expect(note).toHaveCount(0);
  await expect(pay).toBeEnabled();
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true });

  test('declined: the message is above the methods, in sight, focused, and another card pays at once', async ({
    page,
    expects,
  }) => {
    expects.push(/CreateOrder/);
    await signUp(page);
    await addToCart(page, 'CLK-ALM-01');
    const declines = page.getByRole('radio', { name: 'The card that declines' });
    await checkout(page, 'The card that declines');
    const opened = await page.evaluateHandle(() => document);
    for (const _ of ['first', 'second', 'third']) {
      const refused = page.waitForResponse(/\/CreateOrder$/);
      await page.getByRole('button', { name: /^Pay / }).tap();
      await refused;
      const message = page.getByRole('heading', { name: 'The payment was declined' });
      // The box around the words, not the body that holds everything.
      const box = page.locator('main [tabindex="-1"]').filter({ has: message });
      await expect(box).toBeFocused();
      await expect(declines, 'the form is as it was left').toBeChecked();
      await expect(message).toBeInViewport({ ratio: 1 });
      const [head, told, methods] = await Promise.all([
        page.locator('header').boundingBox(),
        message.boundingBox(),
        page.getByRole('radiogroup', { name: 'How to pay' }).boundingBox(),
      ]);
      expect(told?.y).toBeGreaterThanOrEqual((head?.y ?? 0) + (head?.height ?? 0));
      expect(methods?.y).toBeGreaterThan(told?.y ?? 0);
    }
    await page.getByRole('button', { name: 'Choose another method' }).tap();
    await expect(page.getByRole('radio', { name: 'The card that pays' }), 'the first of the others').toBeFocused();
    await expect(declines, 'which nobody chose yet').toBeChecked();
    expect(await page.evaluate((first) => first === document, opened), 'no page was loaded anew').toBe(true);
    await page.getByRole('radio', { name: 'The card that pays' }).check({ force: true });
    await page.getByRole('button', { name: /^Pay / }).tap();
    await orderIs(page, 'Confirmed');
  });
});
