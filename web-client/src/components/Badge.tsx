import { OrderStatus } from '~/gen/stoa/order/v1/types_pb';
import { statusTitle } from '~/orders/stations';
import { look } from './look';

const TONES: Record<OrderStatus, string> = {
  [OrderStatus.UNSPECIFIED]: 'bg-sunken text-muted',
  [OrderStatus.PENDING]: 'bg-accent-soft text-accent-ink',
  [OrderStatus.PAID]: 'bg-accent-soft text-accent-ink',
  [OrderStatus.CONFIRMED]: 'bg-good-soft text-good',
  [OrderStatus.CANCELLING]: 'bg-warn-soft text-warn',
  [OrderStatus.CANCELLED]: 'bg-sunken text-muted',
  [OrderStatus.REJECTED]: 'bg-bad-soft text-bad',
};

/** The state of an order in a word. */
export function StatusBadge({ status }: { status: OrderStatus }) {
  return (
    <span className={look('inline-block rounded-full px-[12px] py-1 text-note break-normal', TONES[status])}>
      {statusTitle(status)}
    </span>
  );
}
