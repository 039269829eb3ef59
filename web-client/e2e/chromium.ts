/** Finds the browser: $CHROMIUM, one of the system, or what `.ci/chromium` installed. */
import { existsSync } from 'node:fs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const INSTALLED = new URL('../../.tools/chromium/chromium', import.meta.url).pathname;

export function findChromium(): string {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? '').split(':');
  const found = folders.flatMap((folder) => NAMES.map((name) => `${folder}/${name}`)).find((path) => existsSync(path));
  if (found) return found;
  if (existsSync(INSTALLED)) return INSTALLED;
  throw new Error('no browser: run .ci/chromium, which installs one, or name one by $CHROMIUM');
}
