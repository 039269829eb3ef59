/** Empties DIR but for its .gitkeep, which lets the gateway compile before the shop is built. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const [target = 'dist'] = process.argv.slice(2);
for (const name of await readdir(target).catch(() => [])) {
  if (name !== '.gitkeep') await rm(join(target, name), { recursive: true });
}
