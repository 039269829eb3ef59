/** The way of an order, as stations to draw: which are reached, when, and what is still ahead. */
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { EndReason, type Order, OrderStatus, type TimelineEntry } from '~/gen/stoa/order/v1/types_pb';
import { type Payment, PaymentStatus } from '~/gen/stoa/payment/v1/types_pb';
import { formatMoney, isSome } from '~/money';
import type { Update } from './watch';

export interface Station {
  readonly status: OrderStatus;
  readonly title: string;
  readonly note: string;
  readonly at: Timestamp | undefined;
  readonly state: 'reached' | 'now' | 'ahead';
}

const TITLES: Record<OrderStatus, string> = {
  [OrderStatus.UNSPECIFIED]: 'Unknown',
  [OrderStatus.PENDING]: 'Placed',
  [OrderStatus.PAID]: 'Paid',
  [OrderStatus.CONFIRMED]: 'Confirmed',
  [OrderStatus.CANCELLING]: 'Cancelling',
  [OrderStatus.CANCELLED]: 'Cancelled',
  [OrderStatus.REJECTED]: 'Did not go through',
};

const NOTES: Partial<Record<OrderStatus, string>> = {
  [OrderStatus.PENDING]: 'Your things are set aside while the payment is taken.',
  [OrderStatus.PAID]: 'The payment went through.',
  [OrderStatus.CONFIRMED]: 'Everything is yours, as far as a demonstration shop can say so: nothing is sent.',
  [OrderStatus.CANCELLING]: 'Your things go back on the shelf, and whatever was paid goes back to you.',
};

const REASONS: Record<EndReason, string> = {
  [EndReason.UNSPECIFIED]: '',
  [EndReason.OUT_OF_STOCK]: 'Something sold out first.',
  [EndReason.PAYMENT_DECLINED]: 'The payment was declined.',
  [EndReason.PAYMENT_UNAVAILABLE]: 'The payment provider did not answer.',
  [EndReason.RESERVATION_EXPIRED]: 'Your things could not be kept for you any longer.',
  [EndReason.CUSTOMER_REQUEST]: 'Cancelled as you wished.',
  [EndReason.STAFF_REQUEST]: 'Cancelled by the shop.',
};

/** What became of the money of an order that is over, as far as it is known: one true sentence. */
function moneyWords(reason: EndReason, payment: Payment | undefined): string {
  if (isSome(payment?.refunded)) return `${formatMoney(payment.refunded)} went back to you.`;
  // Stock is set aside before anybody is asked for money.
  const uncharged = reason === EndReason.OUT_OF_STOCK || (payment !== undefined && wasNeverCharged(payment));
  return uncharged ? 'Nothing was charged.' : 'Nothing is owed.';
}

/** Undoing a payment that had not come yet blocks it; the provider calls that a refund, of nothing. */
export const wasNeverCharged = ({ status, refunded }: Payment): boolean =>
  status === PaymentStatus.DECLINED || (status === PaymentStatus.REFUNDED && !isSome(refunded));

/** The name of a status for people. */
export const statusTitle = (status: OrderStatus): string => TITLES[status];

type Times = Map<OrderStatus, Timestamp>;

/** The stations of an order from what the page was told and what it heard since. */
export function stations(
  order: Order,
  payment: Payment | undefined,
  timeline: readonly TimelineEntry[],
  updates: readonly Update[],
): Station[] {
  const newest = updates.reduce((last, update) => (update.version > last.version ? update : last), {
    version: order.version,
    status: order.status,
    endReason: order.endReason,
  });
  const times = reachedTimes(order, timeline, updates);
  const way = wayOf(newest.status, times);
  return way.map((status, i) => {
    const reached = way.indexOf(newest.status) >= i;
    const now = status === newest.status;
    const ended = status === OrderStatus.REJECTED || status === OrderStatus.CANCELLED;
    const note = ended
      ? `${REASONS[newest.endReason]} ${moneyWords(newest.endReason, payment)}`.trim()
      : (NOTES[status] ?? '');
    return {
      status,
      title: TITLES[status],
      note,
      at: times.get(status),
      state: now ? 'now' : reached ? 'reached' : 'ahead',
    };
  });
}

function wayOf(status: OrderStatus, times: Times): OrderStatus[] {
  const passed = [OrderStatus.PENDING, OrderStatus.PAID, OrderStatus.CONFIRMED].filter(
    (one) => one === OrderStatus.PENDING || times.has(one),
  );
  switch (status) {
    case OrderStatus.REJECTED:
      return [...passed, ...(times.has(OrderStatus.CANCELLING) ? [OrderStatus.CANCELLING] : []), status];
    case OrderStatus.CANCELLING:
    case OrderStatus.CANCELLED:
      return [...passed, OrderStatus.CANCELLING, OrderStatus.CANCELLED];
    default:
      return [OrderStatus.PENDING, OrderStatus.PAID, OrderStatus.CONFIRMED];
  }
}

function reachedTimes(order: Order, timeline: readonly TimelineEntry[], updates: readonly Update[]): Times {
  const times: Times = new Map();
  const put = (status: OrderStatus, at: Timestamp | undefined): void => {
    if (at && status !== OrderStatus.UNSPECIFIED && !times.has(status)) times.set(status, at);
  };
  put(OrderStatus.PENDING, order.createdAt);
  for (const entry of timeline)
    if (entry.kind === 'status') put(statusNamed(`${entry.step} ${entry.outcome}`), entry.at);
  for (const update of updates) put(update.status, update.changedAt);
  put(order.status, order.updatedAt);
  return times;
}

function statusNamed(text: string): OrderStatus {
  const found = /\b(PENDING|PAID|CONFIRMED|CANCELLING|CANCELLED|REJECTED)\b/.exec(
    text.toUpperCase().replaceAll('_', ' '),
  );
  return found ? OrderStatus[found[1] as keyof typeof OrderStatus] : OrderStatus.UNSPECIFIED;
}
