import { useRef, useState } from 'react';
import { type Order, OrderStatus } from '~/gen/stoa/order/v1/types_pb';
import { cancelOrder } from '~/orders/cancel';
import { Button } from './Button';
import { Failure } from './Failure';
import { TextLink } from './Text';

const CANCELLABLE: readonly OrderStatus[] = [OrderStatus.PENDING, OrderStatus.PAID, OrderStatus.CONFIRMED];

/** Undoes an order, after asking once. */
export function CancelOrder({
  order,
  status,
  onCancelled,
}: {
  order: Order;
  status: OrderStatus;
  onCancelled: () => void;
}) {
  const [phase, setPhase] = useState<'idle' | 'sure' | 'working'>('idle');
  const [error, setError] = useState<unknown>();
  const key = useRef<string>(undefined);
  if (!CANCELLABLE.includes(status)) {
    return status === OrderStatus.CANCELLED || status === OrderStatus.REJECTED ? (
      <p className="mt-8">
        <TextLink to="/shop/search">Back to the shop</TextLink>
      </p>
    ) : null;
  }
  const cancel = async (): Promise<void> => {
    setPhase('working');
    setError(undefined);
    try {
      key.current = await cancelOrder(order.id, key.current);
      onCancelled();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setPhase('idle');
    }
  };
  return (
    <section className="mt-8" aria-label="Cancel">
      {phase === 'idle' ? (
        <Button kind="plain" onPress={() => setPhase('sure')}>
          Cancel this order
        </Button>
      ) : (
        <div className="flex flex-wrap items-center gap-3">
          <p className="w-full text-muted">Everything goes back to the shelf, and any money to you. Sure?</p>
          <Button kind="danger" isPending={phase === 'working'} onPress={() => void cancel()}>
            {phase === 'working' ? 'Cancelling…' : 'Yes, cancel it'}
          </Button>
          <Button kind="quiet" isDisabled={phase === 'working'} onPress={() => setPhase('idle')}>
            Keep it
          </Button>
        </div>
      )}
      {error ? <Failure error={error} onRetry={() => void cancel()} /> : null}
    </section>
  );
}
