/** What a page owes to everybody: axe finds nothing, whatever the state. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { inThemes, still } from './visit.ts';

const NODES_TOLD_MAX = 3;

export async function accessible(page: Page, name: string): Promise<void> {
  // A colour that is still fading in is no colour to judge.
  await still(page);
  const { violations } = await new AxeBuilder({ page }).analyze();
  const told = violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .slice(0, NODES_TOLD_MAX)
        .map(({ target, any }) => `${target.join(' ')} (${any[0]?.message ?? 'no more is known'})`)
        .join('; ')}`,
  );
  expect(told, `axe on ${name}`).toEqual([]);
}

/** The same in the light of both themes. */
export const accessibleThemes = (page: Page, name: string): Promise<void> =>
  inThemes(page, (theme) => accessible(page, `${name}, ${theme}`));
