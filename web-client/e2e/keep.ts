/** A state that is worth a look: judged by axe in both themes, wide and on a phone; with SIZE=whole shots of it are in target/shots. */
import type { Page } from '@playwright/test';
import { accessibleThemes } from './axe.ts';
import { SHOT_WIDTHS, shootThemes } from './shots.ts';
import { isWhole } from './size.ts';
import { painted } from './visit.ts';

/** Keeps a state as it stands; the window is as wide afterwards as it was. */
export async function keep(page: Page, name: string): Promise<void> {
  const before = page.viewportSize();
  for (const width of SHOT_WIDTHS) {
    const judged = width !== 768;
    if (!judged && !isWhole) continue;
    await page.setViewportSize({ width, height: width < 500 ? 780 : 900 });
    await painted(page);
    if (judged) await accessibleThemes(page, `${name} at ${width}`);
    await shootThemes(page, `state-${name}-${width}`);
  }
  if (before) await page.setViewportSize(before);
}
