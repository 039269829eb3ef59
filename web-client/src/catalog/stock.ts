/** Stock in words: plenty says little, little says how little. */
export interface StockWords {
  readonly text: string;
  readonly tone: 'good' | 'warn' | 'bad';
}

const FEW = 5n;

export function stockWords(available: bigint): StockWords {
  if (available <= 0n) return { text: 'Sold out', tone: 'bad' };
  if (available <= FEW) return { text: `${available} left`, tone: 'warn' };
  return { text: 'In stock', tone: 'good' };
}
