/** Finds the browser: $CHROMIUM, one of the system, or what `.ci/chromium` installed. */
import { existsSync } from 'node:fs';

/** Chromium without its windows: half the work per page, and no back-forward cache. */
const SHELLS = ['chromium-headless-shell'];
const WHOLE = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const INSTALLED = new URL('../../.tools/chromium/chromium', import.meta.url).pathname;

/** The whole browser, as a visitor has it. */
export const findChromium = (): string => find(WHOLE);

/** The lightest one there is. */
export const findShell = (): string => find([...SHELLS, ...WHOLE]);

function find(names: readonly string[]): string {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? '').split(':');
  const found = names.flatMap((name) => folders.map((folder) => `${folder}/${name}`)).find((path) => existsSync(path));
  if (found) return found;
  if (existsSync(INSTALLED)) return INSTALLED;
  throw new Error('no browser: run .ci/chromium, which installs one, or name one by $CHROMIUM');
}
