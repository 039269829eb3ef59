/**
 * The whole purchase with something in between at every step: a reload, back and forward, a second tab, a lost network.
 * Whatever comes between, the shop goes on where it was, every rule holds, and in the end there is one order. Of those
 * who are signed in and those who are not each commit takes the others; SIZE=whole takes both.
 */
import { randomUUID } from 'node:crypto';
import { ordersOf } from './account.ts';
import { expect, type Page, test } from './fixtures.ts';
import { holds, type Truth } from './rules.ts';
import { inTurn, isWhole } from './size.ts';
import { PASSWORD, type Person, signUp } from './visit.ts';

const SKU = 'LMP-DOM-02';

interface Step {
  readonly name: string;
  readonly go: (page: Page, who: Person) => Promise<unknown>;
  /** What a page shows that is at this step. */
  readonly there: (page: Page) => Promise<unknown>;
  /** How many are in the cart from here on. */
  readonly pieces?: number;
}

const BROWSING: readonly Step[] = [
  {
    name: 'the front page',
    go: (page) => page.goto('/'),
    there: (page) => expect(page.getByRole('list', { name: 'New on the shelf' })).toBeVisible(),
  },
  {
    name: 'a search',
    go: async (page) => {
      await page.keyboard.press('/');
      await page.keyboard.type('harbour');
    },
    there: (page) => expect(page.locator(`main a[href$="/${SKU}"]`).first()).toBeVisible(),
  },
  {
    name: 'the product',
    go: (page) => page.locator(`main a[href$="/${SKU}"]`).first().click(),
    there: (page) => expect(page.getByRole('button', { name: 'Increase' })).toBeVisible(),
  },
  {
    name: 'two in the cart',
    go: async (page) => {
      await page.getByRole('button', { name: 'Increase' }).click();
      await page.getByRole('button', { name: 'Add to cart' }).click();
    },
    there: (page) => expect(page.locator('header a[href="/shop/cart"]')).toHaveAccessibleName('Cart, 2 pieces'),
    pieces: 2,
  },
  {
    name: 'the cart',
    go: (page) => page.locator('header a[href="/shop/cart"]').click(),
    there: (page) => expect(page.locator('main [role=group] input')).toHaveValue('2'),
  },
  {
    name: 'one less',
    go: (page) => page.locator('main [role=group] button').first().click(),
    there: (page) => expect(page.locator('main [role=group] input')).toHaveValue('1'),
    pieces: 1,
  },
];

const ENTRY: readonly Step[] = [
  {
    name: 'the sign-in',
    go: (page) => page.locator('main a[href="/shop/checkout"]').click(),
    there: (page) => expect(page.getByLabel('Password')).toBeVisible(),
  },
  {
    name: 'the sign-up',
    go: (page) => page.locator('main a[href^="/account/sign-up"]').click(),
    there: (page) => expect(page.getByLabel('Name')).toBeVisible(),
  },
  {
    name: 'the checkout',
    go: async (page, who) => {
      await page.getByLabel('Name').fill(who.name);
      await page.getByLabel('E-mail').fill(who.email);
      await page.getByLabel('Password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Make the account' }).click();
    },
    there: (page) => expect(page.getByRole('button', { name: /^Pay / })).toBeVisible(),
  },
];

const STRAIGHT: readonly Step[] = [
  {
    name: 'the checkout',
    go: (page) => page.locator('main a[href="/shop/checkout"]').click(),
    there: (page) => expect(page.getByRole('button', { name: /^Pay / })).toBeVisible(),
  },
];

const PAYING: readonly Step[] = [
  {
    name: 'the order',
    go: async (page) => {
      await page
        .locator('main label')
        .filter({ has: page.locator('[value=tok_slow]') })
        .click();
      await page.getByRole('button', { name: /^Pay / }).click();
      await page.waitForURL(/\/account\/orders\/[0-9a-f-]{36}$/, { timeout: 20_000, waitUntil: 'commit' });
    },
    there: (page) => expect(page.getByRole('list', { name: 'What has happened so far' })).toBeVisible(),
    pieces: 0,
  },
  {
    name: 'the history',
    go: (page) => page.locator('header a[href="/account/orders"]').click(),
    there: (page) => expect(page.locator('main li a[href^="/account/orders/"]')).toHaveCount(1),
  },
];

type Between = (page: Page, step: Step, truth: Truth) => Promise<unknown>;

const BETWEEN: Record<string, Between> = {
  'a reload': (page) => page.reload({ waitUntil: 'domcontentloaded' }),

  'back and forward': async (page, _step, { absent }) => {
    await page.goBack({ waitUntil: 'commit' });
    // Before the front page the tab was empty.
    if (page.url().startsWith('http')) await holds(page, { absent, used: false });
    // A page that comes out of the browser's cache may not be there yet to be asked for its history.
    await expect(() => page.goForward({ waitUntil: 'commit' })).toPass({ intervals: [100], timeout: 5_000 });
  },

  'a second tab': async (page, step, truth) => {
    const second = await page.context().newPage();
    await second.goto(page.url());
    await step.there(second);
    await holds(second, truth);
    await second.close();
  },

  'a lost network': async (page, _step, truth) => {
    await page.context().setOffline(true);
    await expect(page.getByText('You are offline.')).toBeVisible();
    await holds(page, truth);
    await page.context().setOffline(false);
    await expect(page.getByText('You are offline.')).toHaveCount(0);
  },
};

for (const [nth, [between, interrupt]] of Object.entries(BETWEEN).entries()) {
  const tag = between === 'back and forward' ? '@cached' : [];
  for (const signedIn of isWhole ? [false, true] : [inTurn([false, true], nth)]) {
    test(`${between} at every step, signed ${signedIn ? 'in' : 'out'}`, { tag }, async ({ page, shop, expects }) => {
      test.setTimeout(120_000);
      if (between === 'a lost network') expects.push(/Failed to load resource|net::ERR_/);
      const who = { name: 'Robin Vale', email: `between-${randomUUID()}@example.com` };
      if (signedIn) await signUp(page, who);
      let cart = new Map<string, number>();
      for (const step of [...BROWSING, ...(signedIn ? STRAIGHT : ENTRY), ...PAYING]) {
        await test.step(step.name, async () => {
          await step.go(page, who);
          await step.there(page);
          if (step.pieces !== undefined) cart = new Map(step.pieces > 0 ? [[SKU, step.pieces]] : []);
          const truth = { cart, absent: [], used: false };
          await holds(page, truth);
          await interrupt(page, step, truth);
          await step.there(page);
          await holds(page, truth);
        });
      }
      expect(await ordersOf(shop.url, who), 'one Pay is one order').toHaveLength(1);
    });
  }
}
