/**
 * How soon each page shows what it is about (LCP), how much it moves meanwhile (CLS) and how late it answers a press or
 * a key (INP), on a slow phone: the processor four times slower, Slow 4G (1.6 Mbit/s down, 0.75 up, 150 ms), nothing in
 * the browser's cache. A line of JSON per load goes to $VITALS; `just bench --only pages` makes medians of them.
 */
import { appendFileSync } from 'node:fs';
import type { CDPSession } from '@playwright/test';
import { expect, type Page, test } from './fixtures.ts';
import { addToCart, checkout, orderIs, painted, settled, signUp } from './visit.ts';

const SLOWDOWN = 4;
const SLOW_4G = { offline: false, latency: 150, downloadThroughput: 1_638_400 / 8, uploadThroughput: 750_000 / 8 };
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const FILE = process.env.VITALS ?? '/dev/stdout';

interface Vitals {
  lcp: number;
  cls: number;
  inp: number;
}

const watch = (): void => {
  const vitals: Vitals = { lcp: 0, cls: 0, inp: 0 };
  const on = (type: string, take: (entry: never) => void, more = {}): PerformanceObserver => {
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) take(entry as never);
    });
    observer.observe({ type, buffered: true, ...more });
    return observer;
  };
  on('largest-contentful-paint', (entry: PerformanceEntry) => {
    vitals.lcp = entry.startTime;
  });
  on('layout-shift', (entry: { hadRecentInput: boolean; value: number }) => {
    if (!entry.hadRecentInput) vitals.cls += entry.value;
  });
  const slowest = (entry: { interactionId: number; duration: number }): void => {
    if (entry.interactionId) vitals.inp = Math.max(vitals.inp, entry.duration);
  };
  const events = on('event', slowest, { durationThreshold: 16 });
  // What was measured reaches an observer in its own time; until then it waits here.
  const readEvents = (): void => {
    for (const entry of events.takeRecords()) slowest(entry as never);
  };
  Object.assign(globalThis, { vitals, readEvents });
};

const vitalsOf = (page: Page): Promise<Vitals> =>
  page.evaluate(() => (globalThis as unknown as { vitals: Vitals }).vitals);

/** Waits until the last press was painted, and answers how late the slowest was. */
async function inpOf(page: Page): Promise<number> {
  await painted(page);
  // An event's entry is made with the frame that shows its effect and handed over in a task after it.
  return page.evaluate(
    () =>
      new Promise<number>((resolve) =>
        setTimeout(() => {
          const { vitals, readEvents } = globalThis as unknown as { vitals: Vitals; readEvents: () => void };
          readEvents();
          resolve(vitals.inp);
        }),
      ),
  );
}

/** What a visitor does on the page, to be answered at once. */
type Use = (page: Page) => Promise<void>;

const typing: Use = async (page) => {
  await page.keyboard.press('/');
  await page.keyboard.type('mug', { delay: 120 });
  await expect(page).toHaveURL(/query=mug/);
};
const theme: Use = async (page) => {
  for (let times = 0; times < 3; times += 1) await page.getByRole('button', { name: /theme/ }).click();
};
const more: Use = async (page) => {
  for (let times = 0; times < 3; times += 1) await page.getByRole('button', { name: 'Increase' }).first().click();
};
const add: Use = async (page) => {
  for (let times = 0; times < 3; times += 1)
    await page
      .getByRole('button', { name: /Add to cart|In the cart/ })
      .first()
      .click();
};
const choose: Use = async (page) => {
  for (const name of ['The slow card', 'The card that pays'])
    await page.getByRole('radio', { name }).check({ force: true });
};

const STRANGERS: [name: string, path: string, ...uses: Use[]][] = [
  ['home', '/', theme, typing],
  ['search', '/shop/search?query=lamp', theme, typing],
  ['product', '/shop/products/VAS-AMP-01', more, add, typing],
  ['cart', '/shop/cart', more, theme],
  ['sign in', '/account/sign-in', theme],
  ['sign up', '/account/sign-up', theme],
  ['returns', '/shop/returns', theme],
  ['contact', '/shop/contact', theme],
  ['privacy', '/shop/privacy', theme],
];
const PERSONS: typeof STRANGERS = [
  ['home, signed in', '/', theme, typing],
  ['checkout', '/shop/checkout', choose, theme],
  ['orders', '/account/orders', theme],
  ['account', '/account', theme],
];

async function measure(page: Page, devtools: CDPSession, [name, path, ...uses]: (typeof STRANGERS)[number]) {
  await devtools.send('Network.clearBrowserCache');
  await devtools.send('Network.emulateNetworkConditions', SLOW_4G);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN });
  await page.goto(path);
  await settled(page);
  await page.waitForLoadState('networkidle');
  const { lcp, cls } = await vitalsOf(page);
  for (const use of uses) await use(page);
  const inp = await inpOf(page);
  const line = { page: name, lcp_ms: Math.round(lcp), cls: Number(cls.toFixed(4)), inp_ms: Math.round(inp) };
  appendFileSync(FILE, `${JSON.stringify(line)}\n`);
  await devtools.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: -1,
  });
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: 1 });
}

for (const { who, pages, width, height } of [
  { who: 'a stranger', pages: STRANGERS, width: 1280, height: 900 },
  { who: 'a stranger on a phone', pages: STRANGERS, width: 360, height: 740 },
  { who: 'a person', pages: PERSONS, width: 1280, height: 900 },
  { who: 'a person on a phone', pages: PERSONS, width: 360, height: 740 },
]) {
  test(who, async ({ page, context }) => {
    test.setTimeout(ROUNDS * (pages.length + 1) * 60_000);
    await page.setViewportSize({ width, height });
    await page.addInitScript(watch);
    const loads = [...pages];
    if (pages === PERSONS) {
      await signUp(page);
      await addToCart(page, 'MUG-STR-01');
      await (await checkout(page)).click();
      loads.push(['order', `/account/orders/${await orderIs(page, 'Confirmed')}`, theme]);
    }
    const devtools = await context.newCDPSession(page);
    await devtools.send('Network.enable');
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const one of loads) {
        await page.goto('/account/sign-in');
        await page.evaluate(() =>
          localStorage.setItem('stoa.cart', JSON.stringify([{ sku: 'LMP-DOM-02', quantity: 1 }])),
        );
        await measure(page, devtools, width < 500 ? ([`${one[0]}, 360 px`, ...one.slice(1)] as typeof one) : one);
      }
    }
  });
}
