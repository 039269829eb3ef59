import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
// @ts-expect-error the kit is plain JavaScript, so that the build needs no compiler for it
import { draw } from '../../stoa/demo/pictures/index.mjs';

interface Product {
  sku: string;
  name: string;
  description: string;
  category: string;
  image: string;
  price_minor: number;
  stock: number;
}

const products: Product[] = JSON.parse(readFileSync(new URL('../../stoa/demo/products.json', import.meta.url), 'utf8'));

describe('the demo catalogue', () => {
  it('is two hundred things that nobody confuses', () => {
    expect(products).toHaveLength(200);
    for (const key of ['sku', 'name', 'description'] as const)
      expect(new Set(products.map((one) => one[key])).size).toBe(200);
    expect(new Set(products.map((one) => one.category)).size).toBeGreaterThanOrEqual(8);
  });

  it('has prices, stock, and some that ran low or out', () => {
    for (const one of products) {
      expect(one.sku).toMatch(/^[A-Z0-9-]{3,32}$/);
      expect(one.price_minor).toBeGreaterThan(0);
      expect(one.image).toBe(`/assets/products/${one.sku}.svg`);
    }
    expect(products.filter((one) => one.stock === 0).length).toBeGreaterThan(0);
    expect(products.filter((one) => one.stock > 0 && one.stock <= 5).length).toBeGreaterThan(2);
  });
});

describe('the picture kit', () => {
  it.each(products.map((one) => [one.sku, one]))(
    'draws %s within 6 KiB, without script or style, always the same',
    (_, product) => {
      const svg: string = draw(product);
      expect(Buffer.byteLength(svg)).toBeLessThanOrEqual(6 * 1024);
      expect(svg).not.toMatch(/<script|<style|style=|NaN|undefined|href="http/);
      expect(draw(product)).toBe(svg);
    },
  );

  it.each(products.map((one) => [one.sku, one]))('draws the same %s once for two rooms', (_, product) => {
    const svg: string = draw(product);
    expect(svg).toContain('<view id="dark" viewBox="500 0 400 500"/>');
    expect(svg.match(/<g id="t">/g)).toHaveLength(1);
    expect(svg.match(/<use href="#t"\/>/g)).toHaveLength(1);
    const walls = [...svg.matchAll(/<linearGradient id="([de])w"><stop offset="0" stop-color="#(..)(..)(..)"/g)];
    const [day = 0, evening = 0] = walls.map(([, , ...rgb]) =>
      rgb.reduce((sum, one) => sum + Number.parseInt(one, 16), 0),
    );
    expect(day).toBeGreaterThan(400);
    expect(evening).toBeLessThan(360);
  });

  it('draws no two alike', () => {
    expect(new Set(products.map(draw)).size).toBe(200);
  });
});
