/**
 * Random walks through the shop, held against a model of cart, session and orders after every step. There are three
 * for each shape, of which each commit walks one and SIZE=whole all; or $WALKS says how many, $STEPS how long, $SEED
 * which. What a failure prints walks the same way again: $SEED with $REPLAY_PATH, or $WAY, which names the moves
 * themselves.
 * row: X16
 */
import { expect, test } from './fixtures.ts';
import { inTurn, isWhole } from './size.ts';
import { walk, wander, wayOf } from './walk/walk.ts';

/** What went wrong once is wrong: a walk that is walked again may pass by it. */
test.describe.configure({ retries: 0 });

const { WALKS, STEPS = '100', SEED, REPLAY_PATH, WAY } = process.env;
/** The shapes of the shop are walked differently. */
const SEEDS = { one: 100, split: 206 };
const SECONDS_PER_STEP = 5;
const ALL = [0, 1, 2];

function taken(): readonly number[] {
  if (WAY) return [0];
  if (WALKS) return [...Array(Number(WALKS)).keys()];
  return isWhole || SEED ? ALL : [inTurn(ALL)];
}

for (const nth of taken()) {
  test(`walk ${nth + 1}`, { tag: '@split' }, async ({ shape, shop, visitor, complaints }) => {
    const steps = Number(STEPS);
    test.setTimeout(60_000 + steps * SECONDS_PER_STEP * 1000);
    const meet = async () => ({ context: await visitor(), shop, complaints });
    if (WAY) {
      await walk(await meet(), wayOf(WAY));
      return;
    }
    const seed = Number(SEED ?? SEEDS[shape]) + nth;
    const begun = Date.now();
    const done = await wander({ project: shape, seed, steps, path: REPLAY_PATH }, meet);
    const { visitors, accounts, orders } = done;
    console.log(
      `${done.steps} of ${steps} steps from seed ${seed}: ${visitors} visitors, ${accounts} accounts, ${orders} orders, in ${Math.round((Date.now() - begun) / 1000)} s`,
    );
    expect(done.steps, 'a walk to its end').toBe(steps);
    // Somewhere in a hundred steps most walks buy something; those that are always walked are chosen so that they do.
    if (!SEED && steps >= 100) expect(orders, 'this seed buys nothing: choose another').toBeGreaterThan(0);
  });
}
