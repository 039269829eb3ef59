/** Sends an attempt until its answer is known. Pure of pages and stores, so that every cut can be tested. */
import { Code, ConnectError } from '@connectrpc/connect';
import { retryAfterSeconds } from '~/errors/explain';
import { errorInfo } from '~/errors/info';

export type Outcome<Order> =
  | { readonly kind: 'ordered'; readonly order: Order }
  /** The shop said no; the attempt is over. `orderId` names the rejected order, if one was made. */
  | { readonly kind: 'refused'; readonly error: ConnectError; readonly orderId: string | undefined }
  /** Nobody knows: the attempt must be kept and asked about again. */
  | { readonly kind: 'unknown'; readonly error: ConnectError }
  /** Another tab sent the same attempt and has its answer. */
  | { readonly kind: 'elsewhere' };

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

/** Asks with the same key, again and again with growing pauses, until there is an answer or patience ends. */
export async function settle<Order>({ send, wait, onRetry }: Settling<Order>): Promise<Outcome<Order>> {
  let last = new ConnectError('nothing was sent', Code.Unknown);
  for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
    try {
      return { kind: 'ordered', order: await send() };
    } catch (thrown) {
      last = ConnectError.from(thrown);
      // Signed out midway: the key stays until this person is back.
      if (last.code === Code.Unauthenticated) break;
      if (!AMBIGUOUS.has(last.code))
        return { kind: 'refused', error: last, orderId: errorInfo(last)?.metadata.order_id };
    }
    const ms = pause(last, tries);
    if (tries === TRIES_MAX || ms > PATIENCE_MS) break;
    onRetry?.(tries);
    await wait(ms);
  }
  return { kind: 'unknown', error: last };
}

function pause(error: ConnectError, tries: number): number {
  const asked = error.code === Code.ResourceExhausted ? retryAfterSeconds(error) * 1000 : 0;
  return Math.max(asked, Math.min(WAIT_MS_MAX, 400 * 2 ** (tries - 1)));
}
