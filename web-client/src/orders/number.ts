/**
 * An order's number as people say it: "3F2A 91C0". The end of the id, since its beginning is the time, which orders of
 * one evening share.
 */
export function orderNumber(id: string): string {
  const end = id.replaceAll('-', '').slice(-8).toUpperCase();
  return `${end.slice(0, 4)} ${end.slice(4)}`;
}
