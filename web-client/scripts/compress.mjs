/** Writes a .br and a .gz next to every text file of DIR, so that the gateway only has to hand them out. */
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const TEXT = new Set(['.html', '.js', '.css', '.svg', '.json', '.txt', '.webmanifest']);
const WORTH_BYTES = 1024;
const [target = 'dist'] = process.argv.slice(2);

let written = 0;
for (const name of await readdir(target, { recursive: true })) {
  const path = join(target, name);
  if (!TEXT.has(extname(name)) || !(await stat(path)).isFile()) continue;
  const bytes = await readFile(path);
  if (bytes.length < WORTH_BYTES) {
    await Promise.all([rm(`${path}.br`, { force: true }), rm(`${path}.gz`, { force: true })]);
    continue;
  }
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT };
  await writeFile(`${path}.br`, brotliCompressSync(bytes, { params }));
  await writeFile(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  written += 1;
}
console.log(`${written} files compressed`);
