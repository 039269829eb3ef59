/** Every page, in both themes and all widths: accessible, whole, still, and worth a look. */
import { accessibleThemes } from './axe.ts';
import { expect, type Page, test } from './fixtures.ts';
import { SHOT_WIDTHS, shootThemes } from './shots.ts';
import { addToCart, checkout, orderIs, painted, settled, signUp } from './visit.ts';

test.use({ contextOptions: { reducedMotion: 'no-preference' } });

const WIDTHS = [360, 768, 1280, 1440, 1600];
const TARGET_PX_MIN = 44;
const SHIFT_MAX = 0.02;
const CART = JSON.stringify([
  { sku: 'LMP-DOM-02', quantity: 1 },
  { sku: 'MUG-STR-03', quantity: 4 },
]);

const PUBLIC = [
  ['home', '/'],
  ['search', '/shop/search?query=lamp'],
  ['search-nothing', '/shop/search?query=zzzz'],
  ['product', '/shop/products/VAS-AMP-01'],
  ['product-few', '/shop/products/LMP-GLB-02'],
  ['product-sold-out', '/shop/products/LMP-MSH-03'],
  ['cart-empty', '/shop/cart'],
  ['cart', '/shop/cart'],
  ['sign-in', '/account/sign-in'],
  ['sign-up', '/account/sign-up'],
  ['forgot-password', '/account/forgot-password'],
  ['reset-password', '/account/reset-password#token'],
  ['returns', '/shop/returns'],
  ['contact', '/shop/contact'],
  ['privacy', '/shop/privacy'],
  ['not-found', '/shop/no-such-page'],
] as const;

for (const [name, path] of PUBLIC) {
  test(name, async ({ page }) => {
    if (name === 'cart') await page.addInitScript((cart) => localStorage.setItem('stoa.cart', cart), CART);
    await inspect(page, name, path);
  });
}

test('pages of a person', async ({ page }) => {
  test.slow();
  await signUp(page);
  await inspect(page, 'orders-none', '/account/orders');
  await addToCart(page, 'LMP-DOM-02');
  await inspect(page, 'checkout', '/shop/checkout');
  await (await checkout(page)).click();
  const id = await orderIs(page, 'Confirmed');
  await inspect(page, 'order', `/account/orders/${id}`);
  await inspect(page, 'orders', '/account/orders');
  await inspect(page, 'account', '/account');
  await inspect(page, 'home-personal', '/');
});

/** Loads a page and holds it against the floor. */
async function inspect(page: Page, name: string, path: string): Promise<void> {
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(path);
  await settled(page);
  const shift = await layoutShift(page);
  expect(shift.sum, `${name} moves while it loads: ${shift.moved.join('\n')}`).toBeLessThanOrEqual(SHIFT_MAX);
  await accessibleThemes(page, name);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: width < 500 ? 780 : 900 });
    await painted(page);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide, `${name} scrolls sideways at ${width}`).toBeLessThanOrEqual(0);
    expect(await smallTargets(page), `${name} at ${width}: targets under ${TARGET_PX_MIN} px`).toEqual([]);
    // A phone is shown other parts of a page than a wide window.
    if (width === 360) await accessibleThemes(page, `${name} at ${width}`);
    if (SHOT_WIDTHS.some((shot) => shot === width)) await shootThemes(page, `${name}-${width}`);
  }
}

/** The page's layout shifts from its first paint on: their sum, and what moved where. */
const layoutShift = (page: Page): Promise<{ sum: number; moved: string[] }> =>
  page.evaluate(
    () =>
      new Promise((resolve) => {
        const shift = { sum: 0, moved: [] as string[] };
        const place = ({ top, left, height }: DOMRectReadOnly): string =>
          `${Math.round(left)},${Math.round(top)}+${Math.round(height)}`;
        const add = (entries: PerformanceEntryList): void => {
          for (const entry of entries as LayoutShift[]) {
            if (entry.hadRecentInput) continue;
            shift.sum += entry.value;
            for (const { node, previousRect, currentRect } of entry.sources) {
              const what = `${node?.nodeName} ${node?.textContent?.slice(0, 20)}`;
              shift.moved.push(`${entry.value.toFixed(4)} ${what}: ${place(previousRect)} to ${place(currentRect)}`);
            }
          }
        };
        interface LayoutShift extends PerformanceEntry {
          readonly value: number;
          readonly hadRecentInput: boolean;
          readonly sources: { node?: Node; previousRect: DOMRectReadOnly; currentRect: DOMRectReadOnly }[];
        }
        const observer = new PerformanceObserver((list) => add(list.getEntries()));
        observer.observe({ type: 'layout-shift', buffered: true });
        // What was buffered is told in a task of its own, which an idle moment comes after.
        requestIdleCallback(() => {
          add(observer.takeRecords());
          resolve(shift);
        });
      }),
  );

/** What can be pressed and is smaller than a finger; links inside running text are exempt, as WCAG has it. */
const smallTargets = (page: Page): Promise<string[]> =>
  page.evaluate((min) => {
    const small: string[] = [];
    for (const element of document.querySelectorAll('a, button, input, summary, [role=radio], label:has(input)')) {
      const style = getComputedStyle(element);
      const box = (element.closest('label') ?? element).getBoundingClientRect();
      if (style.display === 'none' || style.visibility === 'hidden' || box.width <= 1 || box.height <= 1) continue;
      if (Math.round(box.height) >= min && Math.round(box.width) >= min) continue;
      const inText = element.tagName === 'A' && element.parentElement?.tagName === 'P' && Math.round(box.height) >= min;
      const name = (element.getAttribute('aria-label') ?? element.textContent ?? '').slice(0, 30);
      if (!inText) small.push(`${element.tagName} "${name}" ${Math.round(box.width)}×${Math.round(box.height)}`);
    }
    return small;
  }, TARGET_PX_MIN);

/** row: G1 */
test('the server sends the policy that the pages are built for', async ({ shop }) => {
  const policy = (await fetch(`${shop.url}/`)).headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(/default-src 'none'/);
  expect(policy).toMatch(/require-trusted-types-for 'script'/);
  expect(policy).not.toMatch(/unsafe/);
});
