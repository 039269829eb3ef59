/** The browser of the end-to-end tests, and a page that tolerates no complaint in its console. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

export const BASE_URL = process.env.BASE_URL ?? 'http://localhost:8080';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** $CHROMIUM, else one of the system, else the npm package; else the way to get one. */
export async function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']) {
    for (const folder of (process.env.PATH ?? '').split(':'))
      if (existsSync(`${folder}/${name}`)) return `${folder}/${name}`;
  }
  try {
    const bundled = await import('@sparticuz/chromium');
    return await bundled.default.executablePath();
  } catch {
    throw new Error(
      'no browser: set $CHROMIUM, install chromium, or run `npm install --no-save @sparticuz/chromium@147`',
    );
  }
}

/** Starts the browser; the caller closes it. */
export async function launch() {
  const executablePath = await findChromium();
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/** The version of the browser, for a report. */
export const versionOf = (path) =>
  execFileSync(path, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

/**
 * Opens a page of its own profile. `expects` names the answers that a case provokes on purpose, such as
 * `/OrderService/CreateOrder … 400`: the browser notes each failed request in its console, which no page can prevent.
 */
export async function open(
  browser,
  { baseURL = BASE_URL, width = 1280, height = 900, theme = 'light', touch = false, expects = [] } = {},
) {
  const context = await browser.newContext({
    baseURL,
    viewport: { width, height },
    colorScheme: theme,
    hasTouch: touch,
    serviceWorkers: 'block',
  });
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return;
    const text = `${message.text()} (${message.location().url})`;
    if (!expects.some((pattern) => pattern.test(text))) complaints.push(text);
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
  const close = async () => {
    await context.close();
    assert.deepEqual(complaints, [], 'the console of the browser complains');
  };
  return { page, context, complaints, close };
}

/** The page's layout shifts from its first paint on: their sum, and what moved where. */
export async function layoutShift(page) {
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        const shift = { sum: 0, moved: [] };
        const place = ({ top, left, height }) => `${Math.round(left)},${Math.round(top)}+${Math.round(height)}`;
        const observer = new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) {
            if (entry.hadRecentInput) continue;
            shift.sum += entry.value;
            for (const { node, previousRect, currentRect } of entry.sources) {
              const name = `${node?.nodeName} ${node?.textContent?.slice(0, 20)}`;
              shift.moved.push(`${entry.value.toFixed(4)} ${name}: ${place(previousRect)} to ${place(currentRect)}`);
            }
          }
        });
        observer.observe({ type: 'layout-shift', buffered: true });
        setTimeout(() => resolve(shift), 300);
      }),
  );
}
