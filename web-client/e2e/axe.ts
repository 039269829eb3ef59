/** What a page owes to everybody: axe finds nothing, whatever the state. */
import { expect, type Page } from '@playwright/test';
import axe from 'axe-core';
import { inThemes, still } from './visit.ts';

const NODES_TOLD_MAX = 3;

export async function accessible(page: Page, name: string): Promise<void> {
  // A colour that is still fading in is no colour to judge.
  await still(page);
  expect(await violations(page), `axe on ${name}`).toEqual([]);
}

/** The same in the light of both themes. */
export const accessibleThemes = (page: Page, name: string): Promise<void> =>
  inThemes(page, (theme) => accessible(page, `${name}, ${theme}`));

/**
 * What axe finds, as a sentence for each rule. The page has no frames, so axe is asked in the page itself; it comes into
 * a document once, and only what it found leaves it: anything else costs five times as much as the judgement.
 */
async function violations(page: Page): Promise<string[]> {
  expect(page.frames(), 'a frame would have to be judged too').toHaveLength(1);
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source);
  return page.evaluate(async (nodesMax) => {
    const judge = (globalThis as unknown as { axe: typeof axe }).axe;
    const { violations, passes } = await judge.run(document, { resultTypes: ['violations'] });
    if (passes.length === 0) throw new Error('axe has judged nothing');
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, nodesMax)
          .map(({ target, any }) => `${target.join(' ')} (${any[0]?.message ?? 'no more is known'})`)
          .join('; ')}`,
    );
  }, NODES_TOLD_MAX);
}
