import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { OrderService } from '~/gen/stoa/order/v1/order_pb';
import { OrderLineSchema, OrderSchema, OrderSummarySchema } from '~/gen/stoa/order/v1/types_pb';
import { findOrder } from './ask';
import { pressed } from './attempt';

const NOW = 1_800_000_000_000;
const SECOND = 1000;
const HOUR = 3_600_000;
const LAMPS = [{ sku: 'LMP-ARC-01', quantity: 2 }];
const MUGS = [{ sku: 'MUG-STR-01', quantity: 2 }];
const attempt = pressed({ key: 'k', customerId: 'robin', others: [] }, LAMPS, 'tok_ok', NOW);

interface Made {
  readonly id: string;
  readonly at: number;
  readonly items: { sku: string; quantity: number }[];
}

/** A shop that knows these orders and refuses whatever buys. */
function shop(orders: () => Made[], clock: () => number = Date.now) {
  const asked: string[] = [];
  const transport = createRouterTransport(({ service }) => {
    service(OrderService, {
      createOrder() {
        throw new Error('asking must not buy');
      },
      listOrders({ userId }, context) {
        asked.push(userId);
        context.responseHeader.set('date', new Date(clock()).toUTCString());
        const newestFirst = orders().sort((a, b) => b.at - a.at);
        return {
          orders: newestFirst.map(({ id, at, items }) =>
            create(OrderSummarySchema, {
              id,
              createdAt: timestampFromMs(at),
              itemCount: items.reduce((sum, { quantity }) => sum + quantity, 0),
            }),
          ),
        };
      },
      getOrder({ orderId }) {
        const order = orders().find(({ id }) => id === orderId);
        if (!order) throw new ConnectError('order not found', Code.NotFound);
        return create(OrderSchema, { id: orderId, items: order.items.map((item) => create(OrderLineSchema, item)) });
      },
    });
  });
  return { client: createClient(OrderService, transport), asked };
}

/** Somebody who stays on the page. */
const here = new AbortController().signal;

/** Time passes only while somebody waits. */
const wait = async (ms: number) => void vi.setSystemTime(Date.now() + ms);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW + 60 * SECOND });
  return () => vi.useRealTimers();
});

describe('asking what became of an attempt', () => {
  it('finds the order that holds the same things and was made since', async () => {
    const { client, asked } = shop(() => [
      { id: 'mugs', at: NOW + 2 * SECOND, items: MUGS },
      { id: 'ours', at: NOW + SECOND, items: LAMPS },
      { id: 'more', at: NOW + 3 * SECOND, items: [...LAMPS, ...MUGS] },
    ]);
    expect((await findOrder(client, attempt, wait, here))?.id).toBe('ours');
    expect(asked).toEqual(['robin']);
  });

  it('takes no earlier order for it, however alike', async () => {
    const { client } = shop(() => [{ id: 'last-week', at: NOW - 10 * SECOND, items: LAMPS }]);
    expect(await findOrder(client, attempt, wait, here)).toBeUndefined();
  });

  it('takes none that came of another attempt, however soon this one followed it', async () => {
    const { client } = shop(() => [
      { id: 'ours', at: NOW + SECOND, items: LAMPS },
      { id: 'declined', at: NOW - SECOND, items: LAMPS },
    ]);
    expect((await findOrder(client, { ...attempt, others: ['declined'] }, wait, here))?.id).toBe('ours');
    expect(await findOrder(client, { ...attempt, others: ['declined', 'ours'] }, wait, here)).toBeUndefined();
  });

  it('takes the first of several alike, which nothing else can have made', async () => {
    const { client } = shop(() => [
      { id: 'later', at: NOW + 30 * SECOND, items: LAMPS },
      { id: 'ours', at: NOW + SECOND, items: LAMPS },
    ]);
    expect((await findOrder(client, attempt, wait, here))?.id).toBe('ours');
  });

  it('is not misled by a clock that goes wrong, in either direction', async () => {
    for (const skew of [-HOUR, HOUR]) {
      const { client } = shop(
        () => [
          { id: 'ours', at: NOW + skew + SECOND, items: LAMPS },
          { id: 'earlier', at: NOW + skew - 20 * SECOND, items: LAMPS },
        ],
        () => Date.now() + skew,
      );
      expect((await findOrder(client, attempt, wait, here))?.id).toBe('ours');
    }
  });

  it('waits for what may still be arriving', async () => {
    vi.setSystemTime(NOW + SECOND);
    const { client, asked } = shop(() =>
      Date.now() > NOW + 6 * SECOND ? [{ id: 'ours', at: NOW + 5 * SECOND, items: LAMPS }] : [],
    );
    expect((await findOrder(client, attempt, wait, here))?.id).toBe('ours');
    expect(asked.length).toBeGreaterThan(1);
  });

  it('does not wait for ever for what never arrived', async () => {
    vi.setSystemTime(NOW + SECOND);
    const { client, asked } = shop(() => []);
    expect(await findOrder(client, attempt, wait, here)).toBeUndefined();
    expect(Date.now()).toBeLessThan(NOW + 20 * SECOND);
    expect(asked.length).toBeLessThan(15);
  });

  it('asks again while the shop is away for a moment, and says so when it stays away', async () => {
    let away = 2;
    const { client } = shop(() => {
      away -= 1;
      if (away >= 0) throw new ConnectError('away', Code.Unavailable);
      return [{ id: 'ours', at: NOW + SECOND, items: LAMPS }];
    });
    expect((await findOrder(client, attempt, wait, here))?.id).toBe('ours');
    const gone = shop(() => {
      throw new ConnectError('away', Code.Unavailable);
    });
    await expect(findOrder(gone.client, attempt, wait, here)).rejects.toMatchObject({ code: Code.Unavailable });
  });

  it('does not wait for an attempt that a wrong clock put into the future', async () => {
    vi.setSystemTime(NOW - HOUR);
    const { client, asked } = shop(() => []);
    expect(await findOrder(client, attempt, wait, here)).toBeUndefined();
    expect(asked.length).toBe(1);
  });

  it('looks so many times and no more, also where the clock stands still', async () => {
    vi.setSystemTime(NOW + SECOND);
    const { client, asked } = shop(() => []);
    expect(await findOrder(client, attempt, async () => undefined, here)).toBeUndefined();
    expect(asked.length).toBe(10);
  });

  it('counts what failed, not what was merely empty', async () => {
    vi.setSystemTime(NOW + SECOND);
    let looks = 0;
    const { client } = shop(() => {
      looks += 1;
      if (looks === 7) throw new ConnectError('away', Code.Unavailable);
      return looks > 7 ? [{ id: 'ours', at: NOW + 8 * SECOND, items: LAMPS }] : [];
    });
    expect((await findOrder(client, attempt, wait, here))?.id).toBe('ours');
  });

  it('asks no further for somebody who left', async () => {
    vi.setSystemTime(NOW + SECOND);
    const page = new AbortController();
    const { client, asked } = shop(() => []);
    const found = findOrder(client, attempt, async () => page.abort(), page.signal);
    await expect(found).rejects.toMatchObject({ name: 'AbortError' });
    expect(asked.length).toBe(1);
  });
});
