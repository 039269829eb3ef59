/** Undoes an order. */
import { createClient } from '@connectrpc/connect';
import { transport } from '~/api';
import { OrderService } from '~/gen/stoa/order/v1/order_pb';
import { randomId } from '~/random';

/** Cancels; a further try after an error carries the key of the first one. Answers the key that was used. */
export async function cancelOrder(orderId: string, key: string = randomId()): Promise<string> {
  await createClient(OrderService, transport).cancelOrder(
    { orderId, reason: 'changed my mind' },
    { headers: { 'idempotency-key': key } },
  );
  return key;
}
