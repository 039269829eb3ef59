import { defineConfig } from '@playwright/test';
import { whole } from './e2e/chromium.ts';
import type { Options } from './e2e/fixtures.ts';
import base from './playwright.config.ts';

/** The run that measures: one page at a time, and nothing that records what it does. */
export default defineConfig<Options, Options>({
  ...base,
  testMatch: 'vitals.ts',
  workers: 1,
  use: { ...base.use, launchOptions: whole(), contextOptions: {}, trace: 'off', screenshot: 'off' },
  projects: [{ name: 'vitals', use: { shape: 'one' } }],
});
