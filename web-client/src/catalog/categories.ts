/** The front page's way into each category, and the thing that stands for it. */
export const CATEGORIES = [
  { name: 'Lighting', sku: 'LMP-MSH-01' },
  { name: 'Seating', sku: 'CHR-SHL-02' },
  { name: 'Tableware', sku: 'MUG-STR-03' },
  { name: 'Kitchen', sku: 'BTL-FLK-01' },
  { name: 'Vases', sku: 'VAS-BBL-01' },
  { name: 'Plants', sku: 'PLT-LEF-01' },
  { name: 'Paper', sku: 'NTB-ELS-02' },
  { name: 'Bags', sku: 'BAG-PCK-04' },
  { name: 'Clocks', sku: 'CLK-ALM-01' },
  { name: 'Textiles', sku: 'BLK-FLD-02' },
  { name: 'Candles', sku: 'CDL-GLS-02' },
  { name: 'Sound', sku: 'SPK-CUB-01' },
] as const;

const place = (name: string): number => {
  const at = CATEGORIES.findIndex((category) => category.name === name);
  return at < 0 ? CATEGORIES.length : at;
};

/** The categories the shop told, in the order of the front page; until it did, ours, so that nothing moves. */
export function categoryNames(told: readonly string[]): string[] {
  if (told.length === 0) return CATEGORIES.map(({ name }) => name);
  return [...told].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}
