/** The number that a visitor quotes: under it, support finds in the logs what went wrong. */
import { ConnectError } from '@connectrpc/connect';
import { randomId } from '~/random';

export const CORRELATION_HEADER = 'x-correlation-id';

let last: string | undefined;

/** A number for the next call. */
export function numberOfCall(): string {
  last = randomId();
  return last;
}

/**
 * The number of an error: what the shop logged it under, or, for a fault of the page itself, the number of its last
 * call, so that the logs show what the page had just asked.
 */
export function numberToQuote(thrown: unknown): string {
  const logged = thrown instanceof ConnectError ? thrown.metadata.get(CORRELATION_HEADER) : null;
  if (logged) return logged;
  if (last) return last;
  const fresh = randomId();
  console.error(`Broke before anything was asked; number to quote: ${fresh}`, thrown);
  return fresh;
}
