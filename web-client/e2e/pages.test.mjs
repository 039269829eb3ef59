/** Every page, in both themes and four widths: accessible, whole, still, and worth a look (target/shots). */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { BASE_URL, launch, layoutShift, open } from './browser.mjs';
import { addToCart, checkout, orderIs, settled, signUp } from './shop.mjs';

const SHOTS = new URL('../../target/shots/', import.meta.url).pathname;
const WIDTHS = [360, 768, 1280, 1600];
const SHOT_WIDTHS = [360, 1280];
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
  ['cart', '/shop/cart'],
  ['sign-in', '/account/sign-in'],
  ['sign-up', '/account/sign-up'],
  ['not-found', '/shop/no-such-page'],
];

let browser;
let person;
before(async () => {
  await mkdir(SHOTS, { recursive: true });
  browser = await launch();
});
after(() => browser.close());

for (const theme of ['light', 'dark']) {
  for (const [name, path] of PUBLIC) {
    test(`${name}, ${theme}`, async () => {
      const { page, close } = await open(browser, { theme });
      if (name === 'cart') await page.addInitScript((cart) => localStorage.setItem('stoa.cart', cart), CART);
      await inspect(page, name, path, theme);
      await close();
    });
  }

  test(`pages of a person, ${theme}`, async () => {
    const { page, close } = await open(browser, { theme });
    await signUp(page);
    await addToCart(page, 'LMP-DOM-02');
    await inspect(page, 'checkout', '/shop/checkout', theme);
    await (await checkout(page)).click();
    person = await orderIs(page, 'Confirmed');
    await inspect(page, 'order', `/account/orders/${person}`, theme);
    await inspect(page, 'orders', '/account/orders', theme);
    await inspect(page, 'account', '/account', theme);
    await inspect(page, 'home-personal', '/', theme);
    await close();
  });
}

/** Loads a page and holds it against the floor. */
async function inspect(page, name, path, theme) {
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(path);
  await settled(page);
  const shift = await layoutShift(page);
  assert.ok(shift.sum <= SHIFT_MAX, `${name} moves while it loads: ${shift.moved.join('\n')}`);
  await clean(page, name);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: width < 500 ? 780 : 900 });
    await page.waitForTimeout(60);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${name} scrolls sideways by ${wide} px at ${width}`);
    assert.deepEqual(await smallTargets(page), [], `${name} at ${width}: targets under ${TARGET_PX_MIN} px`);
    if (SHOT_WIDTHS.includes(width)) await shot(page, `${name}-${width}-${theme}`);
  }
}

async function clean(page, name) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const told = violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .map((node) => node.target.join(' '))
        .slice(0, 3)
        .join('; ')}`,
  );
  assert.deepEqual(told, [], `axe on ${name}`);
}

/** What can be pressed and is smaller than a finger; links inside running text are exempt, as WCAG has it. */
const smallTargets = (page) =>
  page.evaluate((min) => {
    const small = [];
    for (const element of document.querySelectorAll('a, button, input, summary, [role=radio], label:has(input)')) {
      const style = getComputedStyle(element);
      const box = (element.closest('label') ?? element).getBoundingClientRect();
      if (style.display === 'none' || style.visibility === 'hidden' || box.width <= 1 || box.height <= 1) continue;
      if (Math.round(box.height) < min || Math.round(box.width) < min) {
        const nextTo =
          element.tagName === 'A' && element.parentElement?.tagName === 'P' && Math.round(box.height) >= min;
        if (!nextTo)
          small.push(
            `${element.tagName} "${(element.getAttribute('aria-label') ?? element.textContent ?? '').slice(0, 30)}" ${Math.round(box.width)}×${Math.round(box.height)}`,
          );
      }
    }
    return small;
  }, TARGET_PX_MIN);

async function shot(page, name) {
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  // Lazy pictures load when they come into view.
  for (let y = 0; y < height; y += 700) {
    await page.evaluate((to) => scrollTo(0, to), y);
    await page.waitForTimeout(30);
  }
  await page.evaluate(() => scrollTo(0, 0));
  await page.waitForFunction(() => [...document.images].every((image) => image.complete));
  await page.screenshot({ path: `${SHOTS}${name}.png`, fullPage: true });
}

/** row: G1 */
test('the server sends the policy that the pages are built for', async () => {
  const policy = (await fetch(`${BASE_URL}/`)).headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /require-trusted-types-for 'script'/);
  assert.doesNotMatch(policy, /unsafe/);
});
