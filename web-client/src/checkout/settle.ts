/** Sends an attempt until its answer is known. Pure of pages and stores, so that every cut can be tested. */
import { Code, ConnectError } from '@connectrpc/connect';
import { retryAfterSeconds } from '~/errors/explain';
import { errorInfo } from '~/errors/info';

/** The shop said no; the attempt is over. `orderId` names the rejected order, if one was made. */
export interface Refusal {
  readonly error: ConnectError;
  readonly orderId: string | undefined;
}

export type Outcome<Order> =
  | { readonly kind: 'ordered'; readonly order: Order }
  | ({ readonly kind: 'refused' } & Refusal)
  /** Nobody was let in, so nobody looked at it: it is as if Pay had not been pressed. */
  | { readonly kind: 'unsent'; readonly error: ConnectError }
  /** Nobody knows: the attempt must be kept and asked about. */
  | { readonly kind: 'unknown'; readonly error: ConnectError };

export interface Settling<Order> {
  send(): Promise<Order>;
  /** Waits; a test waits no time. */
  wait(ms: number): Promise<void>;
  /** Told before each further try. */
  onRetry?(tries: number): void;
}

const TRIES_MAX = 8;
const WAIT_MS_MAX = 8_000;
/** Asked to wait longer than this, the page says so instead of waiting silently. */
const PATIENCE_MS = 15_000;

/** Codes after which the order may or may not exist: the same key must ask again. */
const AMBIGUOUS = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Canceled,
  Code.Unknown,
  Code.Internal,
  Code.Aborted,
  Code.DataLoss,
  Code.ResourceExhausted,
]);

/** Sends with the same key, again and again with growing pauses, until there is an answer or patience ends. */
export async function settle<Order>({ send, wait, onRetry }: Settling<Order>): Promise<Outcome<Order>> {
  for (let tries = 1; ; tries += 1) {
    try {
      return { kind: 'ordered', order: await send() };
    } catch (thrown) {
      const error = ConnectError.from(thrown);
      // Signed out: at once, nothing was done; midway, an earlier try may have been.
      if (error.code === Code.Unauthenticated) return { kind: tries === 1 ? 'unsent' : 'unknown', error };
      if (!AMBIGUOUS.has(error.code)) return { kind: 'refused', error, orderId: errorInfo(error)?.metadata.order_id };
      const ms = pause(error, tries);
      if (tries === TRIES_MAX || ms > PATIENCE_MS) return { kind: 'unknown', error };
      onRetry?.(tries);
      await wait(ms);
    }
  }
}

function pause(error: ConnectError, tries: number): number {
  const asked = error.code === Code.ResourceExhausted ? retryAfterSeconds(error) * 1000 : 0;
  return Math.max(asked, Math.min(WAIT_MS_MAX, 400 * 2 ** (tries - 1)));
}
