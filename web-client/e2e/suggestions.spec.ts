/** What people bought stands on the shelves of others, and nothing stands where nothing is known. */
import { accessibleThemes } from './axe.ts';
import { expect, type Page, test } from './fixtures.ts';
import { addToCart, checkout, orderIs, settled, signUp } from './visit.ts';

/** Two things that no other test buys. */
const SPEAKER = { sku: 'SPK-CYL-03', name: /^Patio speaker/ };
const PLANT = { sku: 'PLT-CAC-03', name: /^Desert bowl/ };

const shelf = (page: Page, name: string) => page.getByRole('list', { name });
const ALSO = 'Others also bought';

/** row: D17 */
test('what was bought together stands beside each other', async ({ page, visitor }) => {
  await signUp(page);
  for (const { sku } of [SPEAKER, PLANT]) await addToCart(page, sku);
  await (await checkout(page)).click();
  await orderIs(page, 'Confirmed');

  const stranger = await (await visitor()).newPage();
  await expect(async () => {
    await stranger.goto(`/shop/products/${SPEAKER.sku}`);
    await expect(shelf(stranger, ALSO).getByRole('link', { name: PLANT.name })).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await settled(stranger);
  await expect(stranger.getByRole('heading', { name: ALSO })).toBeVisible();
  await expect(stranger.locator('main').getByRole('link', { name: SPEAKER.name })).toHaveCount(0);
  await accessibleThemes(stranger, 'a product that was bought with another');

  await shelf(stranger, ALSO).getByRole('link', { name: PLANT.name }).click();
  await stranger.waitForURL(new RegExp(`/shop/products/${PLANT.sku}$`));
  await expect(shelf(stranger, ALSO).getByRole('link', { name: SPEAKER.name })).toBeVisible();
  await expect(stranger.locator('main').getByRole('link', { name: PLANT.name })).toHaveCount(0);

  await stranger.goto('/');
  await expect(stranger.getByRole('heading', { name: 'Popular now' })).toBeVisible();
  await expect(shelf(stranger, 'Popular now').getByRole('link').first()).toBeVisible();
  // Who has them is told of others, if anybody bought any.
  await page.goto('/');
  await settled(page);
  for (const { name } of [SPEAKER, PLANT])
    await expect(shelf(page, 'For you').getByRole('link', { name })).toHaveCount(0);
});

/** row: D17, X5 */
test('without suggestions a product stands beside its neighbours, and the page says what is missing', async ({
  page,
}) => {
  await page.route(/\/GetProductPage(\?|$)/, async (route) => {
    const answer = await route.fetch();
    const { suggestions: _, ...rest } = await answer.json();
    await route.fulfill({ response: answer, json: { ...rest, degraded: ['recommendation'] } });
  });
  await page.goto(`/shop/products/${SPEAKER.sku}`);
  await page.getByText('Suggestions are resting').waitFor();
  await expect(page.getByRole('heading', { name: 'More in Sound' })).toBeVisible();
  await expect(page.getByRole('heading', { name: ALSO })).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Add to cart' })).toBeEnabled();
});
