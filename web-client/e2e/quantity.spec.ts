/** Changing how many, again and again, by every way there is. */
import type { Locator } from '@playwright/test';
import { expect, type Page, test } from './fixtures.ts';
import { addToCart, settled } from './visit.ts';

const MUG = 'MUG-STR-01';

const PLACES: Record<string, (page: Page) => Promise<unknown>> = {
  'product page': (page) => page.goto(`/shop/products/${MUG}`),
  cart: async (page) => {
    await addToCart(page, MUG);
    await page.goto('/shop/cart');
  },
};

const WAYS: Record<string, (page: Page, field: Locator, count: number) => Promise<void>> = {
  'its buttons': (page) => page.getByRole('button', { name: 'Increase' }).click(),
  'the arrow keys': async (_, field) => field.press('ArrowUp'),
  typing: async (_, field, count) => {
    await field.fill(String(count));
    await field.press('Enter');
  },
};

for (const [place, open] of Object.entries(PLACES)) {
  for (const [way, change] of Object.entries(WAYS)) {
    test(`a quantity changes three times by ${way}: ${place}`, async ({ page }) => {
      await open(page);
      await settled(page);
      const field = page.getByRole('textbox', { name: /^Quantity/ });
      for (const count of [2, 3, 4]) {
        await change(page, field, count);
        await expect(field).toHaveValue(String(count));
      }
    });
  }

  test(`a quantity is whole, and its buttons keep the focus to their end: ${place}`, async ({ page }) => {
    await open(page);
    await settled(page);
    const field = page.getByRole('textbox', { name: /^Quantity/ });
    await field.fill('2.5');
    await field.press('Enter');
    await expect(field).not.toHaveValue(/[.,]/);
    await field.fill('3');
    const less = page.getByRole('button', { name: 'Decrease' });
    await less.focus();
    for (const count of ['2', '1']) {
      await page.keyboard.press('Enter');
      await expect(field).toHaveValue(count);
    }
    await expect(less).toBeDisabled();
    await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).not.toBe('BODY');
  });
}
