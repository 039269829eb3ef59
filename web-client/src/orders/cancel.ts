/** Undoes an order. */
import { createClient } from '@connectrpc/connect';
import { transport } from '~/api';
import { OrderService } from '~/gen/stoa/order/v1/order_pb';

/** Cancels; a further try after an error carries the key of the first one. */
export async function cancelOrder(orderId: string, key: string): Promise<void> {
  await createClient(OrderService, transport).cancelOrder(
    { orderId, reason: 'changed my mind' },
    { headers: { 'idempotency-key': key } },
  );
}
