/** Draws every product of the demo catalogue into DIR/assets/products. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { draw } from '../../stoa/demo/pictures/index.mjs';

const LARGEST_BYTES = 6 * 1024;
const [target = 'dist'] = process.argv.slice(2);
const catalogue = new URL('../../stoa/demo/products.json', import.meta.url);
const products = JSON.parse(await readFile(catalogue, 'utf8'));
const folder = join(target, 'assets', 'products');
await mkdir(folder, { recursive: true });

let largest = 0;
for (const product of products) {
  const svg = draw(product);
  const bytes = Buffer.byteLength(svg);
  if (bytes > LARGEST_BYTES)
    throw new Error(`${product.sku}: a picture of ${bytes} bytes, ${LARGEST_BYTES} are allowed`);
  largest = Math.max(largest, bytes);
  await writeFile(join(folder, `${product.sku}.svg`), svg);
}
console.log(`${products.length} pictures drawn, the largest ${largest} bytes`);
