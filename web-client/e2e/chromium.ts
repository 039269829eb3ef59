/** The browser: $CHROMIUM, one of the system, or what `.ci/chromium` installed. */
import { existsSync } from 'node:fs';
import type { LaunchOptions } from '@playwright/test';

const SHELLS = ['chromium-headless-shell'];
const WHOLE = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const INSTALLED = new URL('../../.tools/chromium/chromium', import.meta.url).pathname;

/** As a visitor has it. */
export const whole = (): LaunchOptions => options(find(WHOLE));

/** Without its windows, where that can be had: half the work per page, and no back-forward cache. */
export const shell = (): LaunchOptions => options(find([...SHELLS, ...WHOLE]));

const options = (executablePath: string): LaunchOptions => ({
  executablePath,
  // The back-forward cache is what a visitor has, and what could show one person's page to the next.
  ignoreDefaultArgs: ['--disable-back-forward-cache'],
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});

function find(names: readonly string[]): string {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? '').split(':');
  const found = names.flatMap((name) => folders.map((folder) => `${folder}/${name}`)).find((path) => existsSync(path));
  if (found) return found;
  if (existsSync(INSTALLED)) return INSTALLED;
  throw new Error('no browser: run .ci/chromium, which installs one, or name one by $CHROMIUM');
}
