/** Changing how many, again and again, by every way there is. */
import { expect, test } from './fixtures.ts';

test('a quantity changes three times by its buttons', async ({ page }) => {
  await page.goto('/shop/products/MUG-STR-01');
  const more = page.getByRole('button', { name: 'Increase' });
  for (const count of ['2', '3', '4']) {
    await more.click();
    await expect(page.getByRole('textbox', { name: 'Quantity' })).toHaveValue(count);
  }
});
