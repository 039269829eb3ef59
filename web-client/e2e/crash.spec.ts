/**
 * The server dies between Pay and its answer: one order, and the page finds it.
 * row: I8, I9
 */
import { ordersOf } from './account.ts';
import { expect, test } from './fixtures.ts';
import { addToCart, checkout, orderCount, orderIs, signUp } from './visit.ts';

test.skip(process.env.BASE_URL !== undefined, 'a server that somebody else runs is not ours to kill');

test('kill -9 between Pay and the answer', { tag: '@split' }, async ({ page, shop, shape, expects }) => {
  const victim = shape === 'one' ? 'stoa' : 'order';
  // What a dying server leaves in a browser's console: failed requests, and nothing of ours.
  expects.push(/Failed to load resource/);
  const who = await signUp(page);
  await addToCart(page, 'LMP-CON-03');
  await (await checkout(page, 'The slow card')).click();
  await expect.poll(async () => (await ordersOf(shop.url, who)).length).toBe(1);
  await shop.kill(victim);
  await shop.revive(victim);
  await orderIs(page, 'Confirmed');
  expect(await orderCount(page)).toBe(1);
});
