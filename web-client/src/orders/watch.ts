/** Follows an order while it moves, through cut networks and restarted servers. */
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { useEffect, useState } from 'react';
import { transport } from '~/api';
import { OrderService, type WatchOrderStatusResponse } from '~/gen/stoa/order/v1/order_pb';
import { OrderStatus } from '~/gen/stoa/order/v1/types_pb';
import { refresh } from '~/session/session';
import { useVisible } from '~/stores/visible';

export type Update = WatchOrderStatusResponse;
export type Line = 'live' | 'resuming' | 'ended';

const PAUSE_MS_MAX = 4_000;
/** The server beats every 15 s; a line silent for longer is dead, whatever the browser thinks. */
const SILENCE_MS_MAX = 40_000;

/** Whether an order has come to its end. */
export const isTerminal = (status: OrderStatus): boolean =>
  status === OrderStatus.CONFIRMED || status === OrderStatus.CANCELLED || status === OrderStatus.REJECTED;

/** Watches from the last cursor on; resumes after every cut until the order has ended or `signal` is aborted. */
export async function watchOrder(
  orderId: string,
  signal: AbortSignal,
  onUpdate: (update: Update) => void,
  onLine: (line: Line) => void,
): Promise<void> {
  const orders = createClient(OrderService, transport);
  let cursor = '';
  for (let failures = 0; !signal.aborted; ) {
    const line = new AbortController();
    const cut = (): void => line.abort();
    signal.addEventListener('abort', cut);
    addEventListener('offline', cut);
    let silence = setTimeout(cut, SILENCE_MS_MAX);
    try {
      const stream = orders.watchOrderStatus(
        { orderId, cursor, sendHeartbeats: true },
        { signal: line.signal, timeoutMs: 0 },
      );
      for await (const update of stream) {
        clearTimeout(silence);
        silence = setTimeout(cut, SILENCE_MS_MAX);
        failures = 0;
        onLine('live');
        if (update.cursor) cursor = update.cursor;
        if (update.status !== OrderStatus.UNSPECIFIED) onUpdate(update);
      }
      onLine('ended');
      return;
    } catch (thrown) {
      const { code } = ConnectError.from(thrown);
      if (code === Code.OutOfRange) cursor = '';
      if (signal.aborted || code === Code.NotFound || code === Code.PermissionDenied) return;
      onLine('resuming');
      failures += 1;
      // A stream is not asked for again by the transport; with another token it may be.
      if (code === Code.Unauthenticated) await refresh();
    } finally {
      clearTimeout(silence);
      signal.removeEventListener('abort', cut);
      removeEventListener('offline', cut);
    }
    await pause(Math.min(PAUSE_MS_MAX, 300 * 2 ** failures), signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      removeEventListener('online', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener('online', done, { once: true });
    signal.addEventListener('abort', done, { once: true });
  });
}

/**
 * The updates of an order that is still moving; `watching` false asks for nothing. Nor does a tab that nobody sees: a
 * browser opens six lines to a shop over HTTP/1.1, and six tabs behind would leave none for the one in front.
 */
export function useOrderUpdates(
  orderId: string,
  watching: boolean,
  onUpdate: () => void,
): { updates: readonly Update[]; line: Line } {
  const [updates, setUpdates] = useState<readonly Update[]>([]);
  const [line, setLine] = useState<Line>('live');
  const visible = useVisible();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the callback must not restart the stream
  useEffect(() => {
    if (!watching || !visible) return;
    const controller = new AbortController();
    const take = (update: Update): void => {
      setUpdates((seen) => (seen.some((one) => one.version === update.version) ? seen : [...seen, update]));
      onUpdate();
    };
    void watchOrder(orderId, controller.signal, take, setLine);
    return () => controller.abort();
  }, [orderId, watching, visible]);
  return { updates, line };
}
