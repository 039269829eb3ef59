/** What a designer would send back, and what eyes and keyboards need: folds, zoom, contrast, landmarks, hostile words. */
import { randomUUID } from 'node:crypto';
import type { Locator } from '@playwright/test';
import { asKeeper, enrol, order } from './account.ts';
import { expect, type Page, test } from './fixtures.ts';
import { inTurn, isWhole } from './size.ts';
import { painted, settled, signIn, signUp, somebody } from './visit.ts';

test.use({ contextOptions: { reducedMotion: 'no-preference' } });

const PHONE = { width: 360, height: 740 };
const TABLET = { width: 768, height: 1024 };
const FLAT = { width: 667, height: 375 };
const FLAT_LOW = { width: 740, height: 360 };
const FLAT_WIDE = { width: 844, height: 390 };
/** A window of 1280 by 1024 at 400 %. */
const ZOOMED = { width: 320, height: 256 };

const PAGES = [
  '/',
  '/shop/search',
  '/shop/search?query=zzzz',
  '/shop/products/VAS-AMP-01',
  '/shop/returns',
  '/shop/contact',
  '/shop/privacy',
  '/shop/no-such-page',
] as const;

const LONG = 'Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft';

const sidewards = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** What reaches beyond the right edge; the row of categories is one to push. */
const beyond = (page: Page): Promise<string[]> =>
  page.evaluate(() => [
    ...(document.documentElement.scrollWidth > document.documentElement.clientWidth ? ['the page itself'] : []),
    ...[...document.querySelectorAll('header *, main *, footer *')]
      .filter(
        (one) =>
          one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('nav[aria-label=Categories], .sr-only'),
      )
      .map((one) => `${one.tagName} ${one.textContent?.slice(0, 30)}`),
  ]);

async function goto(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await settled(page);
}

test.describe('the product page', () => {
  const windows = {
    phone: PHONE,
    'phone held flat': FLAT,
    'phone held flat, of little height': FLAT_LOW,
    'phone held flat, as wide as a tablet': FLAT_WIDE,
    tablet: TABLET,
    laptop: { width: 1440, height: 900 },
  };
  test('shows the picture, the price and Add to cart at once, however large the window is', async ({ page }) => {
    for (const [name, viewport] of Object.entries(windows)) {
      await page.setViewportSize(viewport);
      await goto(page, '/shop/products/VAS-AMP-01');
      for (const part of [
        page.getByRole('heading', { name: 'Amphora vase' }),
        page.getByText('€74.00').first(),
        page.getByRole('button', { name: 'Add to cart' }),
      ])
        await expect(part, name).toBeInViewport({ ratio: 1 });
      await expect(page.getByRole('img', { name: /Amphora vase/ }), name).toBeInViewport({ ratio: 0.8 });
    }
  });

  test('has its picture and its words side by side on a tablet', async ({ page }) => {
    await page.setViewportSize(TABLET);
    await goto(page, '/shop/products/VAS-AMP-01');
    const picture = await page.getByRole('img', { name: /Amphora vase/ }).boundingBox();
    const heading = await page.getByRole('heading', { level: 1 }).boundingBox();
    expect(heading?.x).toBeGreaterThan((picture?.x ?? 0) + (picture?.width ?? 0));
    expect(heading?.y).toBeLessThan((picture?.y ?? 0) + (picture?.height ?? 0));
  });

  test('keeps price and Add to cart within reach of a thumb, and covers nothing with them', async ({ page }) => {
    await page.setViewportSize(PHONE);
    await goto(page, '/shop/products/VAS-AMP-01');
    const add = page.getByRole('button', { name: 'Add to cart' });
    for (const count of [1, 2, 3]) {
      await page.evaluate((part) => scrollTo(0, (document.documentElement.scrollHeight * part) / 3), count);
      await expect(add).toBeInViewport({ ratio: 1 });
      await expect(page.getByTestId('buy-bar')).toContainText('€74.00');
      await add.click();
      await expect(
        page.getByRole('link', { name: count === 1 ? 'Cart, 1 piece' : `Cart, ${count} pieces` }),
      ).toBeVisible();
    }
    const bar = await page.getByTestId('buy-bar').boundingBox();
    const foot = await page.getByRole('contentinfo').boundingBox();
    // A window scrolls by whole pixels, and what stands on the page need not end at one.
    expect((foot?.y ?? 0) + (foot?.height ?? 0), 'the footer ends above the bar').toBeLessThan((bar?.y ?? 0) + 1);
  });

  test('does not lose the focus with the last piece', async ({ page }) => {
    await goto(page, '/shop/products/LMP-GLB-02');
    const left = Number.parseInt(
      (await page
        .getByText(/^\d+ left$/)
        .first()
        .textContent()) ?? '',
      10,
    );
    const add = page.getByRole('button', { name: 'Add to cart' });
    for (let count = 1; count <= left; count += 1) {
      await add.press('Enter');
      await expect(page.getByRole('link', { name: new RegExp(`^Cart, ${count} piece`) })).toBeVisible();
    }
    await expect(page.getByText('That is all there is')).toBeVisible();
    await expect(page.getByRole('link', { name: 'Go to the cart' })).toBeFocused();
  });
});

test.describe('a thing without a price, a picture or an end to its name', () => {
  test.use({ viewport: PHONE });
  const sku = `ODD-${randomUUID().slice(0, 8).toUpperCase()}`;
  let id = '';

  test.beforeAll(async ({ shop }) => {
    const { product } = await asKeeper<{ product: { id: string } }>(
      shop.url,
      'stoa.catalog.v1.CatalogService/CreateProduct',
      { sku, name: LONG, description: `${LONG} ${LONG}`, category: 'Oddities', imageUrl: '/assets/products/LOST.svg' },
    );
    id = product.id;
    await asKeeper(shop.url, 'stoa.inventory.v1.InventoryService/AdjustStock', { sku, delta: 5, reason: 'a delivery' });
  });
  test.afterAll(async ({ shop }) => {
    await asKeeper(shop.url, 'stoa.catalog.v1.CatalogService/DeleteProduct', { id });
    // The front page remembers for some seconds what stands for a category, and the next test may begin there.
    const front = () => asKeeper(shop.url, 'stoa.bff.web.v1.WebService/GetHome', {});
    await expect.poll(async () => JSON.stringify(await front()), { timeout: 20_000 }).not.toContain('LOST');
  });
  test.beforeEach(({ expects }) => {
    expects.push(/LOST\.svg|ODD-/);
  });

  test('is shown and cannot be ordered', async ({ page }) => {
    await goto(page, `/shop/products/${sku}`);
    await expect(page.getByText('No price yet')).toBeVisible();
    await expect(page.getByRole('button', { name: 'Add to cart' })).toHaveCount(0);
    expect(await sidewards(page)).toBeLessThanOrEqual(0);
  });

  test('gets a stand-in of the same size where its picture would be', async ({ page }) => {
    await goto(page, `/shop/products/${sku}`);
    const standIn = page.getByRole('img', { name: `${LONG}, not drawn yet` });
    await expect(standIn).toBeVisible();
    const size = await standIn.boundingBox();
    await goto(page, `/shop/search?query=${LONG}`);
    await expect(page.locator('main li')).toHaveCount(1);
    await expect(page.locator('main li img')).toHaveCount(0);
    await expect(page.locator('main li svg')).toBeVisible();
    expect(await sidewards(page)).toBeLessThanOrEqual(0);
    await goto(page, '/shop/products/VAS-AMP-01');
    expect(await page.getByRole('img', { name: /Amphora vase/ }).boundingBox()).toEqual(size);
  });

  test('breaks no line of a cart', async ({ page }) => {
    await page.addInitScript((line) => localStorage.setItem('stoa.cart', line), JSON.stringify([{ sku, quantity: 1 }]));
    await goto(page, '/shop/cart');
    await expect(page.getByText(LONG).first()).toBeVisible();
    expect(await sidewards(page)).toBeLessThanOrEqual(0);
    await expect(page.getByText('Not for sale at the moment.'), 'it has no price').toBeVisible();
    await expect(page.getByRole('button', { name: /^Take the/ })).toHaveCount(0);
    await expect(page.getByText('Something in the cart cannot be had as it is.')).toBeVisible();
  });
});

test('a name without an end is greeted within the page', async ({ page }) => {
  await page.setViewportSize(PHONE);
  await signUp(page, { name: LONG, email: `${LONG.slice(0, 50)}-${randomUUID().slice(0, 8)}@example.com` });
  await expect(page.getByRole('heading', { level: 1 })).toContainText(LONG);
  expect(await sidewards(page)).toBeLessThanOrEqual(0);
  await goto(page, '/account');
  await expect(page.getByText('@example.com')).toBeVisible();
  expect(await sidewards(page)).toBeLessThanOrEqual(0);
});

const SHIFT_MAX = 0.02;
const OFF_MAX_PX = 24;

/**
 * Loads a page whose answer comes when its bones stand, and answers how much that moved of what stays, and by how many
 * pixels what came begins elsewhere than its bones did.
 */
async function lateAnswer(page: Page, path: string, rpc: string): Promise<{ shift: number; off: number }> {
  let answer = (): void => undefined;
  const shown = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const route = new RegExp(`/(${rpc})$`);
  await page.route(route, async (asked) => {
    await shown;
    await asked.continue();
  });
  await page.goto(path);
  await page.locator('main .animate-shimmer').first().waitFor();
  await painted(page);
  const bones = await page.evaluate(() => {
    Object.assign(globalThis, { before: new WeakSet(document.querySelectorAll('main, main *')) });
    return Math.min(
      ...[...document.querySelectorAll('main .animate-shimmer')]
        .map((bone) => bone.getBoundingClientRect())
        .filter(({ height }) => height > 1)
        .map(({ top }) => top),
    );
  });
  answer();
  await settled(page);
  await expect(page.locator('main .animate-shimmer')).toHaveCount(0);
  await page.unroute(route);
  const came = await page.evaluate(() => {
    const { before } = globalThis as unknown as { before: WeakSet<Element> };
    const came = [...document.querySelectorAll('main *')].filter(
      (one) => !before.has(one) && one.childElementCount === 0 && !one.closest('.sr-only'),
    );
    const tops = came
      .map((one) => one.getBoundingClientRect())
      .filter(({ height }) => height > 1)
      .map(({ top }) => top);
    return Math.min(...tops);
  });
  const shift = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let sum = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries() as (PerformanceEntry & { value: number })[]) sum += entry.value;
        }).observe({ type: 'layout-shift', buffered: true });
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)));
      }),
  );
  return { shift, off: came - bones };
}

test.describe('a page whose answer comes late', () => {
  for (const [name, viewport] of Object.entries({ phone: PHONE, laptop: { width: 1440, height: 900 } }))
    test(`shifts nothing that stays when it comes, on a ${name}`, async ({ page, shop }) => {
      await page.setViewportSize(viewport);
      const moved: Record<string, { shift: number; off: number }> = {};
      const load = async (path: string, rpc: string): Promise<void> => {
        const late = await lateAnswer(page, path, rpc);
        if (late.shift > SHIFT_MAX || Math.abs(late.off) > OFF_MAX_PX) moved[path] = late;
      };
      await page.goto('/shop/returns');
      await page.evaluate(() => localStorage.setItem('stoa.cart', '[{"sku":"VAS-AMP-01","quantity":1}]'));
      await load('/', 'GetHome');
      await load('/shop/search?query=lamp', 'GetSearchPage');
      await load('/shop/products/VAS-AMP-01', 'GetProductPage');
      await load('/shop/cart', 'GetCartPage');
      const who = await enrol(shop.url, somebody());
      const id = await order(shop.url, who, 'LMP-DOM-02');
      await signIn(page, who);
      await load('/shop/checkout', 'GetCartPage|GetUser');
      await load('/account/orders', 'GetOrdersPage');
      await load(`/account/orders/${id}`, 'GetOrderPage');
      await load('/', 'GetHome');
      expect(moved).toEqual({});
    });
});

test('whoever asks for less motion gets next to none', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.route(/\/GetHome$/, () => undefined);
  await page.goto('/');
  await page.locator('main .animate-shimmer').first().waitFor();
  const moving = () =>
    page.evaluate(() => document.getAnimations().filter(({ playState }) => playState === 'running').length);
  // The bones go when the shop is given up, after ten seconds: till then they stand still.
  await expect.poll(moving, { timeout: 3_000 }).toBe(0);
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  await expect.poll(moving, 'the bones do breathe for others').toBeGreaterThan(0);
});

test.describe('the front page', () => {
  test('stands at once, before the shop has said a word', async ({ page }) => {
    let answer = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route(/\/GetHome$/, async (route) => {
      await asked;
      await route.continue();
    });
    await page.goto('/');
    await expect(page.getByRole('link', { name: 'See everything' }).first()).toBeVisible();
    await expect(page.getByRole('heading', { name: 'Look by category' })).toBeVisible();
    answer();
    await page.getByRole('list', { name: 'New on the shelf' }).waitFor();
  });

  test('leads into the categories that the catalog has, under a picture each', async ({ page }) => {
    await goto(page, '/');
    const categories = page.getByRole('list', { name: 'Categories' }).getByRole('link');
    const names = await categories.allTextContents();
    expect(names.length).toBeGreaterThan(3);
    await expect(page.getByRole('list', { name: 'Categories' }).locator('img')).toHaveCount(names.length);
    await categories.last().click();
    await expect(page.getByRole('heading', { level: 1, name: names.at(-1) ?? '' })).toBeVisible();
  });
});

test.describe('a search', () => {
  test('is a landmark', async ({ page }) => {
    await goto(page, '/');
    await expect(page.getByRole('search').getByRole('searchbox')).toHaveCount(1);
  });

  test('takes two hundred letters and says so of more', async ({ page }) => {
    await page.setViewportSize(PHONE);
    await goto(page, '/');
    const box = page.getByRole('searchbox');
    await box.focus();
    await page.keyboard.insertText('a'.repeat(300));
    await expect(box).toHaveValue('a'.repeat(200));
    await goto(page, `/shop/search?query=${'a'.repeat(300)}`);
    await expect(page.getByText('200 letters are the most')).toBeVisible();
    expect(await sidewards(page)).toBeLessThanOrEqual(0);
    await page.getByRole('link', { name: 'See everything' }).click();
    await expect(page.getByRole('heading', { name: 'Everything' })).toBeVisible();
  });

  test('that is half typed lets go of whoever follows a link', async ({ page }) => {
    await page.clock.install();
    await goto(page, '/');
    await page.evaluate(() => {
      const box = document.querySelector<HTMLInputElement>('input[type=search]');
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(box, 'mu');
      box?.dispatchEvent(new Event('input', { bubbles: true }));
      document.querySelector<HTMLAnchorElement>('main a[href^="/shop/products/"]')?.click();
    });
    await page.waitForURL(/\/shop\/products\//);
    // Whatever the box had in mind is done.
    await page.clock.runFor(1000);
    expect(new URL(page.url()).pathname).toMatch(/^\/shop\/products\//);
    await expect(page.getByRole('searchbox')).toHaveValue('');
  });

  test('counts for the eye what it found, and what more there is', async ({ page }) => {
    await goto(page, '/shop/search?query=amphora');
    const found = await page.locator('ul[aria-label=Results] > li').count();
    await isRead(page.getByText(`${found} things`, { exact: true }));
    await goto(page, '/shop/search');
    await isRead(page.getByText('The first 24 things', { exact: true }));
  });

  test('goes on at the first new thing after each Show more, the last one too', async ({ page }) => {
    await goto(page, '/shop/search');
    const things = page.locator('ul[aria-label=Results] > li');
    const more = page.getByRole('button', { name: 'Show more' });
    for (let shown = 24; ; shown += 24) {
      await expect(things).toHaveCount(shown);
      await more.press('Enter');
      await expect(things.nth(shown).getByRole('link')).toBeFocused();
      if (await more.isHidden()) break;
    }
    await expect(page.getByText(`${await things.count()} things`, { exact: true })).toBeVisible();
  });
});

/** Is there for the eye: what only a screen reader comes upon is one pixel large. */
async function isRead(words: Locator): Promise<void> {
  await expect(words).toBeVisible();
  const box = await words.boundingBox();
  expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThan(10);
}

/** What has the focus and is covered by something or cut off, in words: none if all of it can be seen. Nothing has it at the end. */
const covered = (page: Page): Promise<string | undefined> =>
  page.evaluate(() => {
    const target = document.activeElement as HTMLElement;
    if (target === document.body) return undefined;
    // A field of its own shape shows the focus by the group around it.
    const rings = [target, target.parentElement, target.closest('label, [role=group]')].filter((one) => one !== null);
    const isRing = ({ outlineStyle, outlineWidth }: CSSStyleDeclaration): boolean =>
      outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2;
    if (!rings.some((one) => isRing(getComputedStyle(one))))
      return `${target.tagName} “${target.getAttribute('aria-label') ?? target.textContent}” does not show that it has the focus`;
    const { left, top, right, bottom } = target.getBoundingClientRect();
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    // What is higher than the window cannot be seen at once: its middle is enough.
    const ends = bottom - top > innerHeight - 32 ? [] : [top + 2, bottom - 2].map((end) => [x, end]);
    for (const [atX = x, atY = y] of [...ends, [x, y], [left + 2, y], [right - 2, y]]) {
      const over = document.elementFromPoint(atX, atY);
      if (!over || !(target.contains(over) || over.contains(target) || target.parentElement?.contains(over)))
        return `${target.tagName} “${target.getAttribute('aria-label') ?? target.textContent}” at ${Math.round(atX)},${Math.round(atY)} is under ${over?.tagName ?? 'the edge'}`;
    }
    return '';
  });

const TARGETS_MAX = 120;
const WINDOWS = Object.entries({ phone: PHONE, laptop: { width: 1280, height: 720 }, zoomed: ZOOMED });
/** Each page in one of the windows, with each commit in another; with SIZE=whole in all of them. */
for (const [nth, path] of ['/', '/shop/search?query=lamp', '/shop/products/VAS-AMP-01', '/shop/privacy'].entries())
  for (const [name, viewport] of isWhole ? WINDOWS : [inTurn(WINDOWS, nth)])
    test(`whatever the keyboard reaches can be seen, forwards and back: ${path}, ${name}`, async ({ page }) => {
      test.slow();
      await page.setViewportSize(viewport);
      await goto(page, path);
      const found: string[] = [];
      for (const key of ['Tab', 'Shift+Tab']) {
        let steps = 0;
        let told: string | undefined;
        do {
          await page.keyboard.press(key);
          told = await covered(page);
          if (told) found.push(`${key}: ${told}`);
          steps += 1;
        } while (steps < TARGETS_MAX && told !== undefined);
        expect(steps, 'the page has more targets than its header').toBeGreaterThan(10);
        expect(steps, 'the page has an end').toBeLessThan(TARGETS_MAX);
      }
      expect(found).toEqual([]);
    });

test.describe('text twice as large', () => {
  test.use({ viewport: PHONE });
  test('fits into 360 px on every page', async ({ page }) => {
    for (const path of PAGES) {
      await goto(page, path);
      await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'));
      expect(await beyond(page), path).toEqual([]);
    }
  });
});

test.describe('text twice as large, signed in', () => {
  test.use({ viewport: PHONE });
  test('fits into 360 px where names, quantities and states stand side by side', async ({ page, shop }) => {
    const who = await enrol(shop.url, somebody());
    const id = await order(shop.url, who, 'LMP-DOM-02');
    await order(shop.url, who, 'LMP-DOM-02', 'tok_declined').catch(() => undefined);
    await signIn(page, who);
    await page.evaluate(() =>
      localStorage.setItem('stoa.cart', JSON.stringify([{ sku: 'LMP-DOM-02', quantity: 100 }])),
    );
    for (const path of ['/', '/shop/cart', '/shop/checkout', '/account/orders', `/account/orders/${id}`, '/account']) {
      await goto(page, path);
      await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'));
      expect(await beyond(page), path).toEqual([]);
    }
  });
});

test.describe('zoomed to 400 %', () => {
  test.use({ viewport: ZOOMED });
  test('nothing stands in the way on any page', async ({ page }) => {
    for (const path of PAGES) {
      await goto(page, path);
      expect(await sidewards(page), path).toBeLessThanOrEqual(0);
      await page.evaluate(() => scrollTo(0, 300));
      const stays = await page.evaluate(() =>
        [...document.querySelectorAll('body *')]
          .filter((one) => ['sticky', 'fixed'].includes(getComputedStyle(one).position))
          .map((one) => one.getBoundingClientRect())
          .reduce((sum, box) => sum + Math.max(0, Math.min(box.bottom, innerHeight) - Math.max(box.top, 0)), 0),
      );
      expect(stays, `pixels of height that do not scroll away on ${path}`).toBeLessThan(64);
    }
  });
});

test('the focus stays in the page when a zoom hides what held it', async ({ page }) => {
  await goto(page, '/shop/products/MUG-STR-01');
  await page.getByRole('button', { name: /theme/ }).focus();
  await page.setViewportSize(ZOOMED);
  await expect(page.locator('main')).toBeFocused();
});

test('in forced colours a button keeps its shape and the chosen category its mark', async ({ page }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await goto(page, '/shop/products/VAS-AMP-01');
  const edge = await page.getByRole('button', { name: 'Add to cart' }).evaluate((button) => {
    const style = getComputedStyle(button);
    return { width: style.borderTopWidth, seen: style.borderTopColor !== style.backgroundColor };
  });
  expect(edge).toEqual({ width: '1px', seen: true });
  await goto(page, '/shop/search?category=Vases');
  const ground = (name: string): Promise<string> =>
    page
      .getByRole('navigation', { name: 'Categories' })
      .getByRole('link', { name, exact: true })
      .evaluate((link) => getComputedStyle(link).backgroundColor);
  expect(await ground('Vases')).not.toBe(await ground('Plants'));
});

test('arches are round above and soft below at any size', async ({ page }) => {
  for (const viewport of [PHONE, TABLET, { width: 1440, height: 900 }]) {
    await page.setViewportSize(viewport);
    await goto(page, '/');
    const arches = page.getByRole('list', { name: 'From the shop' }).locator('img');
    await expect(arches.first()).toBeVisible();
    await arches.first().scrollIntoViewIfNeeded();
    const hits = await arches.first().evaluate((arch) => {
      const { left, top, width, bottom } = arch.getBoundingClientRect();
      const on = (x: number, y: number): boolean => document.elementFromPoint(left + x, y) === arch;
      const r = width / 2;
      const slant = r * (1 - Math.SQRT1_2);
      return {
        within: on(slant + 2, top + slant + 2),
        without: on(slant - 2, top + slant - 2),
        foot: on(2, bottom - 2),
        ground: on(9, bottom - 9),
      };
    });
    expect(hits).toEqual({ within: true, without: false, foot: false, ground: true });
  }
});

test('pictures follow the theme that was chosen, whatever the system wishes', async ({ page }) => {
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.resourceType() === 'image') asked.push(request.url());
  });
  await page.emulateMedia({ colorScheme: 'light' });
  await goto(page, '/shop/products/LMP-GLB-02');
  const picture = page.getByRole('img', { name: 'Low Sun lamp' });
  /** How bright the wall is, between nothing and one. */
  const wall = async (): Promise<number> => {
    const { x, y } = (await picture.boundingBox()) ?? { x: 0, y: 0 };
    const shot = await page.screenshot({ clip: { x: x + 30, y: y + 30, width: 8, height: 8 } });
    return page.evaluate(
      async (bytes) => {
        const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: 'image/png' }));
        const canvas = new OffscreenCanvas(1, 1).getContext('2d');
        canvas?.drawImage(bitmap, 0, 0, 1, 1);
        const [red = 0, green = 0, blue = 0] = canvas?.getImageData(0, 0, 1, 1).data ?? [];
        return (red + green + blue) / 765;
      },
      [...shot],
    );
  };
  expect(await wall()).toBeGreaterThan(0.6);
  for (const [button, dark] of [
    ['Switch to the dark theme', true],
    ['Switch to the light theme', false],
    ['Switch to the dark theme', true],
  ] as const) {
    await page.getByRole('button', { name: button }).click();
    await expect.poll(async () => (await wall()) < 0.4).toBe(dark);
  }
  expect(
    asked.filter((url, i) => asked.indexOf(url) < i),
    'no picture is asked for twice',
  ).toEqual([]);
  expect(asked.some((url) => url.endsWith('/LMP-GLB-02.svg'))).toBe(true);
});

test.describe('the foot of every page', () => {
  test('leads to what a customer asks: returns, contact, privacy', async ({ page }) => {
    await goto(page, '/');
    const foot = page.getByRole('contentinfo');
    for (const [name, path] of [
      ['Returns', '/shop/returns'],
      ['Contact', '/shop/contact'],
      ['Privacy', '/shop/privacy'],
    ] as const) {
      await foot.getByRole('link', { name }).click();
      await page.waitForURL(`**${path}`);
      await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
      expect((await page.textContent('main'))?.length).toBeGreaterThan(300);
    }
  });

  test('tells the truth about what the browser keeps', async ({ page, context }) => {
    await signUp(page);
    await goto(page, '/shop/products/VAS-AMP-01');
    await page.getByRole('button', { name: 'Add to cart' }).click();
    await page.getByRole('button', { name: /theme/ }).click();
    await goto(page, '/shop/checkout');
    await goto(page, '/shop/privacy');
    const kept = await page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)]);
    const cookies = (await context.cookies()).map((cookie) => cookie.name);
    expect(kept.length).toBeGreaterThan(2);
    expect(cookies.length).toBe(2);
    const told = await page.locator('main code').allTextContents();
    expect([...kept, ...cookies].filter((name) => !told.some((one) => name.startsWith(one)))).toEqual([]);
  });
});

test('the theme can be changed on a phone', async ({ page }) => {
  await page.setViewportSize(PHONE);
  await goto(page, '/');
  for (const theme of ['dark', 'light', 'dark']) {
    await page.getByRole('button', { name: `Switch to the ${theme} theme` }).click();
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme);
  }
});
