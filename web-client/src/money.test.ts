import { describe, expect, it } from 'vitest';
import { formatMoney, isSome } from './money';

const eur = (minorUnits: bigint) => ({ currencyCode: 'EUR', minorUnits });

describe('money', () => {
  it.each([
    [0n, '€0.00'],
    [5n, '€0.05'],
    [1999n, '€19.99'],
    [149900n, '€1,499.00'],
    [-250n, '-€2.50'],
  ])('%s minor units read %s', (minorUnits, text) => {
    expect(formatMoney(eur(minorUnits))).toBe(text);
  });

  it('is exact where a float is not', () => {
    expect(formatMoney(eur(9_007_199_254_740_993n))).toBe('€90,071,992,547,409.93');
  });

  it('has as many decimals as the currency', () => {
    expect(formatMoney({ currencyCode: 'JPY', minorUnits: 1200n })).toMatch(/1,200$/);
    expect(formatMoney({ currencyCode: 'KWD', minorUnits: 1234n })).toMatch(/1\.234$/);
  });

  it('knows nothing from something', () => {
    expect(isSome(undefined)).toBe(false);
    expect(isSome(eur(0n))).toBe(false);
    expect(isSome(eur(1n))).toBe(true);
  });
});
