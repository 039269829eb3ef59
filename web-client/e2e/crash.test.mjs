/**
 * The server dies between Pay and its answer: one order, and the page finds it.
 * row: I8, I9
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from './browser.mjs';
import { oneProcess, split } from './servers.mjs';
import { addToCart, checkout, orderCount, orderIs, signUp } from './shop.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

// What a dying server leaves in a browser's console: failed requests, and nothing of ours.
const DEATH = [/Failed to load resource/];

for (const [shape, start, victim] of [
  ['one process', oneProcess, 'stoa'],
  ['one process per service', split, 'order'],
]) {
  test(`kill -9 of ${victim} between Pay and the answer, ${shape}`, async () => {
    const shop = await start();
    try {
      const { page, close } = await open(browser, { baseURL: shop.url, expects: DEATH });
      await signUp(page);
      await addToCart(page, 'LMP-CON-03');
      const pay = await checkout(page, 'The slow card');
      const sent = page.waitForRequest((request) => request.url().endsWith('/CreateOrder'));
      await pay.click();
      await sent;
      await page.waitForTimeout(300);
      await shop.crash(victim);
      await orderIs(page, 'Confirmed');
      assert.equal(await orderCount(page), 1);
      await close();
    } finally {
      await shop.stop();
    }
  });
}
