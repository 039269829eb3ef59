/** What every test of the shop has: a Stoa of its worker's own, and pages that tolerate no complaint. */
import { type BrowserContext, test as base, expect, type Page } from '@playwright/test';
import { running, type Shape, type Shop, start } from './servers.ts';

export interface Options {
  /** Everything in one process, or one process per service. */
  shape: Shape;
  /** Stoa, as it runs for this worker. */
  shop: Shop;
}

export interface Fixtures {
  /**
   * What a test provokes on purpose, such as `/CreateOrder.*400/`: the browser notes each failed request in its
   * console, which no page can prevent. Patterns may be pushed at any moment of the test.
   */
  expects: RegExp[];
  /** Whatever any page of the test's context wrote to its console as a warning or worse; judged when it ends. */
  complaints: string[];
  /** Another visitor: a context of its own, as strict as the first, closed with the test. */
  visitor: (options?: Parameters<import('@playwright/test').Browser['newContext']>[0]) => Promise<BrowserContext>;
}

export const test = base.extend<Fixtures, Options>({
  shape: ['one', { option: true, scope: 'worker' }],
  shop: [
    async ({ shape }, use) => {
      const shop = process.env.BASE_URL ? running(process.env.BASE_URL) : await start(shape);
      await use(shop);
      await shop.stop();
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  baseURL: async ({ shop }, use) => use(shop.url),
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern
  expects: async ({}, use) => use([]),
  complaints: async ({ expects }, use) => {
    const complaints: string[] = [];
    await use(complaints);
    const left = complaints.filter((text) => !expects.some((pattern) => pattern.test(text)));
    expect(left, 'the console of the browser complains').toEqual([]);
  },
  context: async ({ context, complaints }, use) => {
    listen(context, complaints);
    await use(context);
  },
  visitor: async ({ browser, baseURL, complaints }, use) => {
    const opened: BrowserContext[] = [];
    await use(async (options = {}) => {
      const context = await browser.newContext({
        ...(baseURL ? { baseURL } : {}),
        serviceWorkers: 'block',
        reducedMotion: 'reduce',
        ...options,
      });
      opened.push(context);
      listen(context, complaints);
      return context;
    });
    for (const context of opened) await context.close();
  },
});

export type { Page };
export { expect };

function listen(context: BrowserContext, complaints: string[]): void {
  context.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (error) => complaints.push(`uncaught: ${error.error().message}`));
}
