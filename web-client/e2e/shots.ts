/** Pictures of pages and states for a person to look at, in target/shots; nothing is held against them. */
import type { Page } from '@playwright/test';
import { isWhole } from './size.ts';
import { inThemes, painted } from './visit.ts';

const SHOTS = new URL('../../target/shots/', import.meta.url).pathname;
export const SHOT_WIDTHS = [360, 768, 1440] as const;

/** The whole page at the width it has, in both themes, when all is asked for: pictures that nobody will look at are not made. */
export async function shootThemes(page: Page, name: string): Promise<void> {
  if (!isWhole) return;
  await inThemes(page, async (theme) => {
    // Nobody scrolls here, so pictures that wait to come into view are called for.
    await page.evaluate(async () => {
      for (const image of document.images) image.loading = 'eager';
      await Promise.allSettled([...document.images].map((image) => image.decode()));
      scrollTo(0, 0);
    });
    await painted(page);
    await page.screenshot({ path: `${SHOTS}${name}-${theme}.png`, fullPage: true, animations: 'disabled' });
  });
}
