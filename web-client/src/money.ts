/** Money as people read it. Amounts stay integers of minor units until the last moment. */
import type { Money } from '~/gen/stoa/pricing/v1/types_pb';

const LOCALE = 'en-IE';
const formats = new Map<string, Intl.NumberFormat>();

function formatOf(currency: string): Intl.NumberFormat {
  const known = formats.get(currency);
  if (known) return known;
  const made = new Intl.NumberFormat(LOCALE, { style: 'currency', currency });
  formats.set(currency, made);
  return made;
}

type Amount = Pick<Money, 'currencyCode' | 'minorUnits'>;

/** "€1,499.00"; exact for any amount, and with as many decimals as the currency has. */
export function formatMoney({ currencyCode, minorUnits }: Amount): string {
  const format = formatOf(currencyCode || 'EUR');
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  const negative = minorUnits < 0n;
  const plain = (negative ? -minorUnits : minorUnits).toString().padStart(digits + 1, '0');
  const whole = plain.slice(0, plain.length - digits);
  const decimal = digits === 0 ? whole : `${whole}.${plain.slice(-digits)}`;
  return format.format(`${negative ? '-' : ''}${decimal}` as Intl.StringNumericLiteral);
}

/** Whether an amount is there and is not nothing. */
export function isSome(amount: Amount | undefined): amount is Amount {
  return amount !== undefined && amount.minorUnits !== 0n;
}
