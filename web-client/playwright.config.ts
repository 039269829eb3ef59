import { defineConfig } from '@playwright/test';
import { shell, whole } from './e2e/chromium.ts';
import type { Options } from './e2e/fixtures.ts';
import { inTurn, isWhole, turn } from './e2e/size.ts';

const isCi = process.env.CI === 'true' && !isWhole;
/**
 * What asks of single pages how they look and what their controls do, as against a customer's ways through them: CI
 * takes one half with each commit. Both take as long.
 */
const HALVES = [
  ['attempt', 'controls', 'quantity', 'sabotage'],
  ['broken', 'cart', 'look', 'offline', 'pages', 'states'],
];
const left = isCi ? inTurn(HALVES) : [];

if (process.env.TEST_WORKER_INDEX === undefined) {
  console.error(isWhole ? 'All of it.' : `A part of what multiplies, by TURN=${turn}; SIZE=whole takes all of it.`);
  if (isCi) console.error(`Another commit's turn: ${left.join(', ')}. Journeys go through eight processes alone.`);
  // Whoever commits meanwhile gives the workers no other turn.
  process.env.TURN = String(turn);
}

/**
 * The shop in a real browser, in both of its shapes. Each worker starts a Stoa of its own, so tests of two workers
 * never meet. With $BASE_URL the tests run against that server alone. What is tried of all is a matter of `e2e/size.ts`.
 */
export default defineConfig<Options, Options>({
  testDir: 'e2e',
  testMatch: '*.spec.ts',
  testIgnore: left.map((name) => `${name}.spec.ts`),
  outputDir: '../target/e2e',
  // One more than the two cores that this must do with: a test waits for its page a third of the time.
  workers: 3,
  fullyParallel: true,
  retries: 1,
  // A browser that hangs must not keep whoever waits for the verdict; what is long by argument takes as long as it takes.
  globalTimeout: process.env.WALKS || isWhole ? 0 : 20 * 60_000,
  forbidOnly: process.env.CI === 'true',
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
  use: {
    headless: true,
    viewport: { width: 1280, height: 900 },
    actionTimeout: 10_000,
    navigationTimeout: 15_000,
    serviceWorkers: 'block',
    // What moves for beauty alone is looked at where looks are; elsewhere it costs a sixth of the time.
    contextOptions: { reducedMotion: 'reduce' },
    // To record costs a third of the time, so a test that failed is recorded when it is tried again.
    trace: 'on-first-retry',
    screenshot: 'only-on-failure',
    launchOptions: shell(),
  },
  projects: [
    // What may differ when every service is a process of its own: the journeys and the walks, not the looks. The longest
    // tests of all are here, and would leave a core without work at the end.
    { name: 'split', use: { shape: 'split' }, grep: /@split/ },
    { name: 'one', use: { shape: 'one' }, grepInvert: isCi ? /@cached|@split/ : /@cached/ },
    // Back and forward lead to pages that the browser kept as they were, which its shell never does.
    { name: 'cached', use: { shape: 'one', launchOptions: whole() }, grep: /@cached/ },
  ],
});
