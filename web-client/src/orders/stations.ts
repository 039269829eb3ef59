/** The way of an order, as stations to draw: which are reached, when, and what is still ahead. */
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { EndReason, type Order, OrderStatus, type TimelineEntry } from '~/gen/stoa/order/v1/types_pb';
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
  [OrderStatus.REJECTED]: 'Not possible',
};

const NOTES: Partial<Record<OrderStatus, string>> = {
  [OrderStatus.PENDING]: 'Your things are set aside while the payment is taken.',
  [OrderStatus.PAID]: 'The payment went through.',
  [OrderStatus.CONFIRMED]: 'Everything is yours. We pack it today.',
  [OrderStatus.CANCELLING]: 'Things go back to the shelf, money to you.',
  [OrderStatus.CANCELLED]: 'Nothing will be sent, and nothing is owed.',
};

const REASONS: Record<EndReason, string> = {
  [EndReason.UNSPECIFIED]: 'Nothing was charged.',
  [EndReason.OUT_OF_STOCK]: 'Something sold out first. Nothing was charged.',
  [EndReason.PAYMENT_DECLINED]: 'The payment was declined. Nothing was charged.',
  [EndReason.PAYMENT_UNAVAILABLE]: 'The payment provider did not answer. Nothing was charged.',
  [EndReason.RESERVATION_EXPIRED]: 'The reservation ran out; any money is on its way back.',
  [EndReason.CUSTOMER_REQUEST]: 'You asked for it. Nothing will be sent, and nothing is owed.',
  [EndReason.STAFF_REQUEST]: 'Our support did this for you. Nothing is owed.',
};

/** The name of a status for people. */
export const statusTitle = (status: OrderStatus): string => TITLES[status];

type Times = Map<OrderStatus, Timestamp>;

/** The stations of an order from what the page was told and what it heard since. */
export function stations(order: Order, timeline: readonly TimelineEntry[], updates: readonly Update[]): Station[] {
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
    const note =
      ended && newest.endReason !== EndReason.UNSPECIFIED ? REASONS[newest.endReason] : (NOTES[status] ?? '');
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
