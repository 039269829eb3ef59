/** Who is here: a session that is opened again, that ends, that another person's follows, in every tab there is. */
import { randomUUID } from 'node:crypto';
import { enrol } from './account.ts';
import { expect, type Page, test } from './fixtures.ts';
import {
  addToCart,
  checkout,
  orderIs,
  PASSWORD,
  type Person,
  painted,
  settled,
  signIn,
  signOut,
  signUp,
  somebody,
} from './visit.ts';

const greeting = (page: Page) => page.getByRole('heading', { name: /Good to see you/ });
const front = (page: Page) => page.getByRole('heading', { name: 'Things that stand in good light.' });
const skeletons = (page: Page) =>
  page.locator('[role=status][aria-label*="load" i], [role=status][aria-label*="priced"]');

/** Whether a word of this person is anywhere in what the page shows or says. */
async function nothingOf(page: Page, who: Person): Promise<void> {
  const words = [who.name, who.name.split(' ')[0] ?? '', who.email, 'Your last orders', 'Placed', 'Confirmed'];
  await expect
    .poll(() => page.evaluate((all) => all.filter((word) => document.documentElement.outerHTML.includes(word)), words))
    .toEqual([]);
}

/** Somebody with an order, on the front page. */
async function shopper(page: Page): Promise<Person> {
  const who = await signUp(page, { ...somebody(), name: 'Quillon Vale' });
  await addToCart(page, 'MUG-TAL-01');
  await (await checkout(page)).click();
  await orderIs(page, 'Confirmed');
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'Your last orders' })).toBeVisible();
  return who;
}

test('a reload, signed in, shows the same page, three times in a row', async ({ page }) => {
  await signUp(page);
  await addToCart(page, 'MUG-STR-01');
  for (const path of ['/shop/cart', '/shop/search?query=mug', '/', '/shop/products/MUG-STR-01', '/account/orders'])
    await test.step(path, async () => {
      await page.goto(path);
      for (let times = 0; times < 3; times += 1) {
        await page.reload();
        // Only who is known is asked for what is theirs: before that, nothing of it can be missing.
        await expect(page.getByRole('link', { name: 'Your orders and account' })).toBeVisible();
        await settled(page);
        await expect(skeletons(page)).toHaveCount(0);
        await expect(page.locator('main').getByRole('link').first()).toBeVisible();
        expect(page.url(), 'the page that was reloaded').toContain(path);
      }
    });
});

test('nothing of a person stays after signing out, in this tab and in others', { tag: '@cached' }, async ({
  page,
  context,
}) => {
  const who = await shopper(page);
  const home = await context.newPage();
  const history = await context.newPage();
  const product = await context.newPage();
  await home.goto('/');
  await expect(greeting(home)).toBeVisible();
  await history.goto('/account/orders');
  await settled(history);
  await product.goto('/shop/products/MUG-STR-01');
  await settled(product);
  await product.getByRole('textbox', { name: 'Quantity' }).fill('5');
  await product.getByRole('textbox', { name: 'Quantity' }).press('Enter');

  await page.getByRole('link', { name: 'Your orders and account' }).click();
  await page.getByRole('link', { name: 'Account and sessions' }).click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();

  for (const tab of [page, home, history]) {
    await expect(front(tab)).toBeVisible();
    await nothingOf(tab, who);
    expect(new URL(tab.url()).pathname).toBe('/');
  }
  await settled(product);
  await nothingOf(product, who);
  await expect(product.getByRole('textbox', { name: 'Quantity' })).toHaveValue('1');
  await expect(product.getByRole('link', { name: 'Sign in' })).toBeVisible();

  await page.goBack();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await nothingOf(page, who);
});

test('the next person sees nothing of the one before, in any tab', { tag: '@cached' }, async ({ page, context }) => {
  const first = await shopper(page);
  const other = await context.newPage();
  await other.goto('/');
  await expect(greeting(other)).toBeVisible();
  await signOut(page);
  const second = await signUp(page, { ...somebody(), name: 'Wanda Holm' });
  for (const tab of [page, other]) {
    await expect(tab.getByRole('heading', { name: /Good to see you, Wanda/ })).toBeVisible();
    await nothingOf(tab, first);
  }
  await signOut(other);
  await expect(front(page)).toBeVisible();
  await nothingOf(page, second);
});

test('who goes back to an order of the person before finds nothing there, and the shop is not asked for it', async ({
  page,
}) => {
  const asked: string[] = [];
  page.on('request', (request) => void (/GetOrderPage$/.test(request.url()) && asked.push(request.url())));
  const who = await signUp(page);
  await addToCart(page, 'MUG-TAL-01');
  await (await checkout(page)).click();
  await orderIs(page, 'Confirmed');
  const order = page.url();
  await signOut(page);
  await signUp(page, { ...somebody(), name: 'Wanda Holm' });
  asked.length = 0;
  while (page.url() !== order) await page.goBack();
  await expect(page.getByRole('heading', { name: 'We could not find that' })).toBeVisible();
  await nothingOf(page, who);
  expect(asked).toEqual([]);
  // The page is of one's own order, for staff too; whose it is stays known.
  await signOut(page);
  await signIn(page, { email: 'support@stoa.test' }, new URL(order).pathname, 'stoa-demo');
  await expect(page.getByRole('heading', { name: 'We could not find that' })).toBeVisible();
  await nothingOf(page, who);
  await signOut(page);
  await signIn(page, who, new URL(order).pathname);
  await orderIs(page, 'Confirmed');
});

/** Leaves the document for another one, so that the browser keeps the first as it is. */
async function anotherDocument(page: Page): Promise<void> {
  await page.goto('/shop/products/MUG-STR-01');
  await settled(page);
}

/** Has the page note whether it comes back as it was. */
const tellWhenKept = () => addEventListener('pageshow', ({ persisted }) => Object.assign(globalThis, { persisted }));
const wasKept = () => (globalThis as { persisted?: boolean }).persisted;

/** Back; a page that was kept is not loaded, so there is no such event to wait for. */
const outOfTheCache = (page: Page) => page.goBack({ waitUntil: 'commit' });

test('a page of a person that comes back out of the back-forward cache after they left shows nothing of them', {
  tag: '@cached',
}, async ({ page, context }) => {
  // Not every browser tells a page that was away what it missed.
  await page.addInitScript(() => addEventListener('storage', (event) => event.stopImmediatePropagation()));
  const who = await shopper(page);
  await page.evaluate(() => {
    addEventListener('pageshow', (event) => {
      // Only a page that was kept still has this listener; one that was loaded anew never says what it showed.
      if (!event.persisted) return;
      // What a visitor would see at the first moment that the page can be seen again.
      requestAnimationFrame(() => {
        const hidden = getComputedStyle(document.documentElement).visibility === 'hidden';
        (globalThis as { firstSight?: string }).firstSight = hidden ? '' : document.body.textContent;
      });
    });
  });
  await anotherDocument(page);
  const other = await context.newPage();
  await signOut(other);

  await outOfTheCache(page);
  const firstSight = () => page.evaluate(() => (globalThis as { firstSight?: string }).firstSight);
  await expect.poll(firstSight, 'the page was kept, not loaded anew').toBeDefined();
  expect(await firstSight()).not.toContain(who.name.split(' ')[0]);
  await expect(front(page)).toBeVisible();
  await nothingOf(page, who);
});

test('the same, when another person has signed in meanwhile', { tag: '@cached' }, async ({ page, context }) => {
  const who = await shopper(page);
  await page.evaluate(tellWhenKept);
  await anotherDocument(page);
  const other = await context.newPage();
  await signOut(other);
  await signUp(other, { ...somebody(), name: 'Wanda Holm' });

  await outOfTheCache(page);
  await expect.poll(() => page.evaluate(wasKept), 'the page was kept, not loaded anew').toBe(true);
  await expect(page.getByRole('heading', { name: /Good to see you, Wanda/ })).toBeVisible();
  await nothingOf(page, who);
});

test('a page that comes back while its person is still here is as it was', { tag: '@cached' }, async ({ page }) => {
  await shopper(page);
  await page.evaluate(tellWhenKept);
  await anotherDocument(page);
  await outOfTheCache(page);
  await expect(greeting(page)).toBeVisible();
  expect(await page.evaluate(wasKept)).toBe(true);
});

test('who cannot be signed out everywhere is told so and stays', async ({ page, expects }) => {
  expects.push(/SignOut/);
  await signUp(page);
  await page.goto('/account');
  await page.route(/SignOut$/, (route) => route.abort());
  const everywhere = page.getByRole('button', { name: 'Sign out everywhere' });
  await everywhere.click();
  await expect(page.getByRole('heading', { name: 'The shop is out of reach' })).toBeVisible();
  await page.unroute(/SignOut$/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(front(page)).toBeVisible();
});

test('who could not be signed in is signed in by trying again, and the focus stays in the form', async ({
  page,
  shop,
  expects,
}) => {
  expects.push(/AuthService\/SignIn/);
  const who = await enrol(shop.url, somebody());
  await page.goto('/account/sign-in');
  await page.getByLabel('E-mail').fill(who.email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.route(/AuthService\/SignIn$/, (route) => route.abort());
  await page.getByRole('button', { name: 'Sign in' }).click();
  const again = page.getByRole('button', { name: 'Try again' });
  await again.click();
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeFocused();
  await expect(again).toBeVisible();
  await page.unroute(/AuthService\/SignIn$/);
  await again.click();
  await expect(greeting(page)).toBeVisible();
});

test('signing out without a network is signing out, and ends the session when the network is back', async ({
  page,
  context,
  expects,
}) => {
  expects.push(/ERR_INTERNET_DISCONNECTED/);
  const who = await signUp(page);
  const mark = await page.evaluate(() => localStorage.getItem('stoa.signed-in'));
  const cookie = async () => (await context.cookies()).find(({ name }) => name === '__Host-sid');
  await page.goto('/account');
  await settled(page);
  await context.setOffline(true);
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await expect(front(page)).toBeVisible();
  await nothingOf(page, who);
  const kept = await cookie();
  expect(kept, 'the shop has not heard of it yet').toBeDefined();
  await context.setOffline(false);
  await expect.poll(cookie).toBeUndefined();
  expect(await page.evaluate(() => localStorage.getItem('stoa.signed-in'))).toBeNull();

  // Nobody brings it back by hand: neither with the mark, nor with the cookie as it was.
  expects.push(/status of 401/);
  if (kept) await context.addCookies([kept]);
  await page.evaluate((old) => localStorage.setItem('stoa.signed-in', old ?? ''), mark);
  await page.reload();
  await expect(page.getByRole('link', { name: 'Sign in' })).toBeVisible();
  await nothingOf(page, who);
});

test('who cannot be recognised for the moment is no stranger', async ({ page, expects }) => {
  expects.push(/ERR_FAILED/);
  await shopper(page);
  await page.route(/AuthService\/Refresh$/, (route) => route.abort());
  await page.goto('/account/orders');
  await expect(page.getByRole('heading', { name: 'The shop is out of reach' })).toBeVisible();
  await page.unroute(/AuthService\/Refresh$/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { name: 'Your orders' })).toBeVisible();

  // Whoever is recognised later on finds the page that is open asked for again as theirs.
  await page.goto('/');
  await expect(greeting(page)).toBeVisible();
  await page.route(/AuthService\/Refresh$/, (route) => route.abort());
  // What the shop said to a stranger comes when it is known who is here, and is no longer what was asked.
  let late = (): void => undefined;
  const known = new Promise<void>((resolve) => {
    late = resolve;
  });
  const asked = page.waitForRequest(/\/GetHome$/);
  await page.route(
    /\/GetHome$/,
    async (route) => {
      const response = await route.fetch();
      await known;
      // A page that no longer waits for it has hung up.
      await route.fulfill({ response }).catch(() => undefined);
    },
    { times: 1 },
  );
  await page.reload();
  await expect(front(page)).toBeVisible();
  await asked;
  await page.unroute(/AuthService\/Refresh$/);
  const renewed = page.waitForResponse(/AuthService\/Refresh$/);
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await (await renewed).finished();
  await painted(page);
  late();
  await expect(greeting(page)).toBeVisible();
});

test('who was sent away by the shop comes back to the same place', async ({ page, context, expects }) => {
  expects.push(/status of 401/);
  const who = await shopper(page);
  // The session ends on the other side: the token in memory is refused, and so is the cookie that renews it.
  await context.clearCookies();
  await page.route(/GetOrdersPage$/, (route) => route.fulfill({ status: 401, json: { code: 'unauthenticated' } }));
  await page.getByRole('link', { name: 'All of them' }).click();
  await expect(page.getByText('Your session has ended.')).toBeVisible();
  await nothingOf(page, who);
  await page.unroute(/GetOrdersPage$/);
  await page.getByLabel('E-mail').fill(who.email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('/account/orders');
  await expect(page.getByText('Confirmed')).toBeVisible();
});

for (const form of ['sign-in', 'sign-up']) {
  test(`the form of ${form} leads on who is signed in already`, async ({ page, context }) => {
    await signUp(page);
    await page.goto(`/account/${form}`);
    await expect(greeting(page)).toBeVisible();
    await page.goto(`/account/${form}?next=${encodeURIComponent('/shop/search?query=mug')}`);
    await page.waitForURL(/\/shop\/search\?query=mug$/);
    await page.goto(`/account/${form}?next=${encodeURIComponent('//evil.example/')}`);
    await expect(greeting(page)).toBeVisible();
    await signOut(page);

    // And who signs in elsewhere while the form is open here.
    await page.goto(`/account/${form}?next=${encodeURIComponent('/shop/cart')}`);
    const other = await context.newPage();
    await signUp(other);
    await page.waitForURL('/shop/cart');
  });
}

const focus = (page: Page) => page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName);

for (const [width, press] of [
  [360, 'a finger'],
  [1280, 'a mouse'],
] as const)
  test(`a form that was corrected is sent by the first press of ${press}`, async ({ visitor }) => {
    const context = await visitor({ viewport: { width, height: 740 }, hasTouch: true });
    const page = await context.newPage();
    for (const [path, label] of [
      ['/account/sign-in', 'Sign in'],
      ['/account/sign-up', 'Make the account'],
    ] as const) {
      await page.goto(path);
      const button = page.locator('main').getByRole('button', { name: label });
      const email = page.getByLabel('E-mail');
      await page.getByLabel('Password').fill('a short sentence');
      await page.locator('main input').first().fill('nope');
      await email.fill('nope');
      await button.click();
      await page.locator('[slot=errorMessage]').waitFor();
      await email.fill(`${randomUUID()}@example.test`);
      const { x, y, height } = (await button.boundingBox()) ?? { x: 0, y: 0, height: 0 };
      // That it is sent is all; what the shop says of nobody's address would come when the page is another.
      await page.route(/Sign(In|Up)$/, () => undefined);
      const sent = page.waitForRequest(/Sign(In|Up)$/);
      const at = [x + 30, y + height - 6] as const;
      if (press === 'a mouse') await page.mouse.click(...at, { delay: 60 });
      else await page.touchscreen.tap(...at);
      await sent;
    }
  });

test('a press whose end the page never hears of silences no complaint', async ({ page }) => {
  await page.goto('/account/sign-in');
  const email = page.getByLabel('E-mail');
  const complaint = page.locator('[slot=errorMessage]');
  const leave = async (typed: string): Promise<void> => {
    await email.fill(typed);
    await email.press('Tab');
  };
  await email.hover();
  // The menu of the right button swallows its end, another window that of any.
  await page.mouse.down({ button: 'right' });
  await leave('nonsense');
  await expect(complaint).toBeVisible();
  await leave('robin@example.com');
  await expect(complaint).toHaveCount(0);
  await page.mouse.down();
  await page.evaluate(() => dispatchEvent(new Event('blur')));
  await leave('nonsense');
  await expect(complaint).toBeVisible();
});

test('the focus is in the page after signing in, and after every way to another page', async ({ page }) => {
  const who = await signUp(page);
  await expect(greeting(page)).toBeVisible();
  expect(await focus(page)).toBe('main');
  await signOut(page);
  await expect(front(page)).toBeVisible();
  expect(await focus(page)).toBe('main');

  await signIn(page, who);
  await expect(greeting(page)).toBeVisible();
  expect(await focus(page)).toBe('main');

  await signOut(page);
  await page.goto('/account/sign-in');
  await page.getByLabel('E-mail').fill(who.email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByLabel('Password').press('Enter');
  await expect(greeting(page)).toBeVisible();
  expect(await focus(page)).toBe('main');

  await page.locator('main').getByRole('link', { name: 'See everything' }).first().click();
  await page.getByRole('list', { name: 'Results' }).getByRole('link').nth(2).click();
  await expect(page.getByRole('button', { name: 'Add to cart' })).toBeVisible();
  expect(await focus(page)).toBe('main');
  await page.goBack();
  await expect(page.getByRole('list', { name: 'Results' })).toBeVisible();
  expect(await focus(page)).toBe('main');

  const search = page.getByRole('searchbox', { name: 'Search the shop' });
  await page.getByRole('link', { name: 'Stoa, front page' }).click();
  await expect(greeting(page)).toBeVisible();
  await search.fill('mug');
  await page.waitForURL(/query=mug/);
  await expect(page.getByRole('list', { name: 'Results' })).toBeVisible();
  await expect(search).toBeFocused();
});
