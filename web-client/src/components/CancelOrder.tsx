import { type RefObject, useEffect, useRef, useState } from 'react';
import { type Order, OrderStatus } from '~/gen/stoa/order/v1/types_pb';
import { cancelOrder } from '~/orders/cancel';
import { randomId } from '~/random';
import { Button } from './Button';
import { Failure } from './Failure';

const CANCELLABLE: readonly OrderStatus[] = [OrderStatus.PENDING, OrderStatus.PAID, OrderStatus.CONFIRMED];

/** Undoes an order, after asking once. */
export function CancelOrder({
  order,
  status,
  title,
  onCancelled,
}: {
  order: Order;
  status: OrderStatus;
  /** Where the focus goes when there is nothing to cancel any more. */
  title: RefObject<HTMLElement | null>;
  onCancelled: () => void;
}) {
  const [phase, setPhase] = useState<'idle' | 'asked' | 'working' | 'kept'>('idle');
  const [error, setError] = useState<unknown>();
  const [key] = useState(randomId);
  const question = useRef<HTMLParagraphElement>(null);
  const offer = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (phase === 'asked') question.current?.focus();
    if (phase === 'kept') offer.current?.focus();
  }, [phase]);
  const cancellable = CANCELLABLE.includes(status);
  const idle = phase === 'idle' || phase === 'kept';
  // It may end while the question is open: by this press, by another tab, by the shop.
  useEffect(() => {
    if (!cancellable && !idle) title.current?.focus();
  }, [cancellable, idle, title]);
  if (!cancellable) return null;
  const keep = (): void => {
    setError(undefined);
    setPhase('kept');
  };
  const cancel = async (): Promise<void> => {
    if (phase === 'working') return;
    setPhase('working');
    try {
      await cancelOrder(order.id, key);
      setError(undefined);
      onCancelled();
    } catch (thrown) {
      setError(thrown);
      setPhase('asked');
    }
  };
  return (
    <section className="print:hidden mt-8" aria-label="Cancel">
      {idle ? (
        <Button ref={offer} kind="plain" onPress={() => setPhase('asked')}>
          Cancel this order
        </Button>
      ) : (
        // biome-ignore lint/a11y/noStaticElementInteractions: a question is left by Escape, wherever in it the focus is
        <div
          className="flex flex-wrap items-center gap-3"
          onKeyDown={({ key }) => (key === 'Escape' && phase === 'asked' ? keep() : undefined)}
        >
          <p ref={question} tabIndex={-1} className="w-full text-muted outline-none">
            Your things go back on the shelf, and whatever was paid goes back to you. Are you sure?
          </p>
          {/* First, since it comes to stand where the question was asked for: a slow double click keeps. */}
          <Button kind="quiet" isDisabled={phase === 'working'} onPress={keep}>
            Keep it
          </Button>
          <Button kind="danger" isPending={phase === 'working'} onPress={() => void cancel()}>
            {phase === 'working' ? 'Cancelling…' : 'Yes, cancel it'}
          </Button>
        </div>
      )}
      {error ? <Failure error={error} onRetry={() => void cancel()} /> : null}
    </section>
  );
}
