/** Walks through the shop at random, along moves that can be walked again. */
import { type BrowserContext, expect } from '@playwright/test';
import fc from 'fast-check';
import { ordersOf } from '../account.ts';
import { accessible } from '../axe.ts';
import type { Shop } from '../servers.ts';
import type { Model, Real } from './model.ts';
import * as moves from './moves.ts';

const WORDS = ['lamp', 'mug', 'oak', 'zzzz', '', 'Ähre', '<b>x', 'a'.repeat(120)];
const NUMBERS = ['1', '2', '3', '7', '0', '-3', '1.5', '1000', '', 'many'];
const PLACES = [
  '/',
  '/shop/search',
  '/shop/cart',
  '/account/orders',
  '/shop/products/MUG-STR-01',
  '/shop/products/BAG-TOT-01',
  '/shop/products/CDL-PIL-01',
];
const WIDTHS = [360, 768, 1280];

const some = fc.nat({ max: 60 });
const one = <T>(...items: T[]): fc.Arbitrary<T> => fc.constantFrom(...items);

/** Every move with how often it is taken. */
const anyMove: fc.Arbitrary<moves.Move> = fc.oneof(
  { weight: 12, arbitrary: some.map(moves.follow) },
  { weight: 10, arbitrary: one(...PLACES).map(moves.visit) },
  { weight: 5, arbitrary: some.map(moves.press) },
  { weight: 4, arbitrary: one(...WORDS).map(moves.search) },
  { weight: 12, arbitrary: fc.constant(null).map(moves.add) },
  {
    weight: 8,
    arbitrary: fc
      .tuple(some, one('more', 'less', 'ArrowUp', 'ArrowDown', 'Home', 'PageUp'), fc.integer({ min: 1, max: 4 }))
      .map(([n, way, times]) => moves.step(n, way as Parameters<typeof moves.step>[1], times)),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(some, one(...NUMBERS), one('Enter' as const, 'Tab' as const))
      .map(([n, text, end]) => moves.write(n, text, end)),
  },
  { weight: 5, arbitrary: some.map(moves.remove) },
  { weight: 5, arbitrary: fc.constant(null).map(moves.putBack) },
  { weight: 6, arbitrary: fc.constant(null).map(moves.reload) },
  { weight: 8, arbitrary: one('back' as const, 'forward' as const).map(moves.history) },
  { weight: 3, arbitrary: fc.constant(null).map(moves.openTab) },
  { weight: 5, arbitrary: fc.constant(null).map(moves.switchTab) },
  { weight: 2, arbitrary: fc.constant(null).map(moves.closeTab) },
  { weight: 6, arbitrary: fc.constant(null).map(moves.signUp) },
  { weight: 8, arbitrary: some.map(moves.signIn) },
  { weight: 4, arbitrary: fc.boolean().map(moves.signOut) },
  {
    weight: 10,
    arbitrary: fc
      .tuple(one('tok_ok', 'tok_declined', 'tok_slow'), fc.boolean(), fc.boolean())
      .map(([method, twice, another]) => moves.pay(method as moves.Method, { twice, another })),
  },
  { weight: 5, arbitrary: fc.boolean().map(moves.cancel) },
  { weight: 3, arbitrary: fc.constant(null).map(moves.offline) },
  { weight: 10, arbitrary: fc.constant(null).map(moves.backOnline) },
  { weight: 3, arbitrary: fc.constant(null).map(moves.theme) },
  { weight: 3, arbitrary: one(...WIDTHS).map(moves.resize) },
  { weight: 1, arbitrary: some.map(moves.kill) },
);

/** Where a walk begins: a stranger at the front door. */
export interface Start {
  readonly context: BrowserContext;
  readonly shop: Shop;
  readonly complaints: string[];
  /** How long a page may take to come to rest, if not as long as everywhere. */
  readonly quietMs?: number;
}

/** Takes these moves, and looks at the end whether all is well; answers what became of the model. */
export async function walk(
  start: Start,
  way: Iterable<moves.Move>,
  stepsMax = Number.POSITIVE_INFINITY,
): Promise<Model> {
  const page = await start.context.newPage();
  await page.goto('/');
  const model: Model = {
    cart: new Map(),
    people: [],
    who: undefined,
    online: true,
    taken: [],
    tabs: 1,
    place: '/',
    steps: 0,
    idle: [],
    stepsMax,
  };
  const real: Real = { ...start, tabs: [page], page };
  await fc.asyncModelRun(() => ({ model, real }), way);
  await start.context.setOffline(false);
  for (const tab of real.tabs) await accessible(tab, `the end of the walk, ${tab.url()}`);
  for (const who of model.people)
    expect(await ordersOf(start.shop.url, who), `${who.name} pressed Pay ${who.paid} times`).toHaveLength(who.paid);
  return model;
}

export interface Course {
  /** The project that walks it. */
  readonly project: string;
  readonly seed: number;
  readonly steps: number;
  /** Which of this seed's visitors to begin with, as a failure named it. */
  readonly path?: string | undefined;
}

/** What the visitors of a course did. */
export interface Done {
  readonly steps: number;
  readonly visitors: number;
  readonly accounts: number;
  readonly orders: number;
}

/** More visitors than any course needs. */
const VISITORS_MAX = 50;
/** Of the moves that are thought of about every fourth can be made. */
const THOUGHTS_PER_STEP = 6;

/**
 * Walks so many steps, as one visitor after the other, and answers what they did. A failure says how the same way is
 * walked again.
 */
export async function wander({ project, seed, steps, path }: Course, meet: () => Promise<Start>): Promise<Done> {
  const done = { steps: 0, visitors: 0, accounts: 0, orders: 0 };
  let left = steps;
  const ways = fc.commands([anyMove], { maxCommands: steps * THOUGHTS_PER_STEP, size: 'max', disableReplayLog: true });
  const property = fc.asyncProperty(ways, async (way) => {
    if (left <= 0) return;
    const start = await meet();
    const model = await walk(start, way, left);
    left -= model.steps;
    done.steps += model.steps;
    done.visitors += 1;
    done.accounts += model.people.length;
    done.orders += model.people.reduce((sum, who) => sum + who.paid, 0);
    await start.context.close();
  });
  const result = await fc.check(property, {
    seed,
    numRuns: VISITORS_MAX,
    // Nothing is made shorter by trying again: a walk takes a minute, and its way says all.
    endOnFailure: true,
    unbiased: true,
    ...(path ? { path } : {}),
  });
  if (result.failed) throw lost(result, project, steps);
  return done;
}

/** The moves of a way as a failure wrote it down, or a shorter one by hand. */
export function wayOf(written: string): moves.Move[] {
  const known = moves as unknown as Record<string, ((...args: unknown[]) => moves.Move) | undefined>;
  return [...written.matchAll(/(\w+)\(((?:"(?:[^"\\]|\\.)*"|[^")])*)\)/g)].map(([, name = '', args = '']) => {
    const move = known[name];
    if (!move) throw new Error(`no move is named ${name}`);
    return move(...(JSON.parse(`[${args}]`) as unknown[]));
  });
}

/** What went wrong, after which moves, and the commands that walk there again. */
function lost(
  { seed, counterexamplePath, counterexample, errorInstance }: fc.RunDetails<[Iterable<moves.Move>]>,
  project: string,
  steps: number,
): Error {
  const cause = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  // How many moves are thought of depends on the steps, so the seed alone would lead elsewhere.
  const again = `WALKS=1 STEPS=${steps} SEED=${seed} REPLAY_PATH=${counterexamplePath} npx playwright test walk --project=${project}`;
  const way = `WAY='${String(counterexample?.[0]).replaceAll("'", "'\\''")}' npx playwright test walk --project=${project}`;
  return new Error(
    `${cause}\n\nWalk it again by the seed, or by the way, which may be made shorter by hand:\n\n${again}\n\n${way}\n`,
  );
}
