/** Prints LCP, CLS and INP of the front page, a search and a product, with the processor slowed down four times. */
import { launch, open } from './browser.mjs';
import { settled } from './shop.mjs';

const SLOWDOWN = 4;
const PAGES = [
  ['home', '/'],
  ['search', '/shop/search?query=lamp'],
  ['product', '/shop/products/VAS-AMP-01'],
];

const watch = () => {
  globalThis.vitals = { lcp: 0, cls: 0, inp: 0 };
  const on = (type, take, more = {}) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true, ...more });
  on('largest-contentful-paint', (entry) => {
    globalThis.vitals.lcp = entry.startTime;
  });
  on('layout-shift', (entry) => {
    if (!entry.hadRecentInput) globalThis.vitals.cls += entry.value;
  });
  on(
    'event',
    (entry) => {
      if (entry.interactionId) globalThis.vitals.inp = Math.max(globalThis.vitals.inp, entry.duration);
    },
    { durationThreshold: 16 },
  );
};

const browser = await launch();
for (const [name, path] of PAGES) {
  const { page, context } = await open(browser);
  const devtools = await context.newCDPSession(page);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN });
  await page.addInitScript(watch);
  await page.goto(path);
  await settled(page);
  const lcp = await page.evaluate(() => globalThis.vitals.lcp);
  await page.keyboard.press('/');
  await page.keyboard.type('mug', { delay: 80 });
  await page.getByRole('button', { name: /theme/ }).click();
  await page.waitForTimeout(600);
  const { cls, inp } = await page.evaluate(() => globalThis.vitals);
  console.log(
    JSON.stringify({ page: name, lcp_ms: Math.round(lcp), cls: Number(cls.toFixed(4)), inp_ms: Math.round(inp) }),
  );
  await context.close();
}
await browser.close();
