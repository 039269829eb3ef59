import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { OrderService } from '~/gen/stoa/order/v1/order_pb';
import { OrderStatus } from '~/gen/stoa/order/v1/types_pb';
import type { Session } from '~/session/session';
import { memory, withRoom } from '~/stores/storage.fixture';

const shop = vi.hoisted(() => ({
  session: { kind: 'stranger', expired: false } as Session,
  createOrder: async (): Promise<{ id?: string; status: number }> => ({ status: 0 }),
  /** Whose orders were asked for, one entry per call. */
  sent: [] as string[],
}));

vi.mock('~/session/session', () => ({
  currentSession: () => shop.session,
  sessionKnown: async () => undefined,
}));
vi.mock('~/api', () => ({
  queries: { invalidateQueries: async () => undefined },
  transport: createRouterTransport(({ service }) => {
    service(OrderService, {
      async createOrder({ customerId, items }) {
        shop.sent.push(`${customerId}: ${items.map(({ sku, quantity }) => `${quantity} ${sku}`).join(', ')}`);
        return { order: await shop.createOrder() };
      },
    });
  }),
}));

const robin: Session = { kind: 'person', id: 'robin', endsWithTab: false };
const kim: Session = { kind: 'person', id: 'kim', endsWithTab: false };
const LAMP = [{ sku: 'LMP-ARC-01', quantity: 1 }];
const PAID = { status: OrderStatus.CONFIRMED };
const quietly = (): void => undefined;

/** The modules as a tab has them that was just opened. */
async function tab(storage?: Storage) {
  vi.stubGlobal('localStorage', storage);
  vi.stubGlobal('navigator', {});
  vi.resetModules();
  const [pay, attempt, cart] = await Promise.all([import('./pay'), import('./attempt'), import('~/stores/cart')]);
  return { ...pay, ...attempt, ...cart };
}

beforeEach(() => {
  vi.useFakeTimers();
  shop.session = robin;
  shop.sent = [];
  shop.createOrder = async () => PAID;
  return () => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  };
});

describe('paying', () => {
  it('sends nothing that the browser has no room to remember, and pays once there is room', async () => {
    const room = { isFull: false };
    const here = await tab(withRoom(memory(), room));
    here.addToCart('LMP-ARC-01');
    room.isFull = true;
    const outcome = await here.pay('robin', here.cart.get(), 'tok_slow', quietly);
    expect(outcome).toMatchObject({ kind: 'unsent', error: { name: 'NotKept', code: Code.FailedPrecondition } });
    expect(shop.sent).toEqual([]);
    expect(here.attempts.get()).toMatchObject([{ customerId: 'robin', method: 'tok_slow' }]);
    room.isFull = false;
    expect((await here.pay('robin', here.cart.get(), 'tok_slow', quietly)).kind).toBe('ordered');
    expect(shop.sent).toEqual(['robin: 1 LMP-ARC-01']);
  });

  it('buys all that was put into the cart where there is no storage, and the cart ends with the tab too', async () => {
    const here = await tab(undefined);
    here.addToCart('LMP-ARC-01');
    here.addToCart('MUG-STR-01');
    expect((await here.pay('robin', here.cart.get(), 'tok_ok', quietly)).kind).toBe('ordered');
    expect(shop.sent).toEqual(['robin: 1 LMP-ARC-01, 1 MUG-STR-01']);
    expect(here.cart.get()).toEqual([]);
  });

  it('sends nothing as the next person, and keeps the attempt of whoever left', async () => {
    const here = await tab(memory());
    shop.createOrder = async () => {
      throw new ConnectError('lost', Code.Unavailable);
    };
    const paid = here.pay('robin', LAMP, 'tok_ok', () => {
      shop.session = kim;
    });
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await paid).kind).toBe('unknown');
    expect(shop.sent).toHaveLength(1);
    here.openAttempt('kim');
    expect(here.unanswered(here.attempts.get(), 'robin')?.sent.items).toEqual(LAMP);
  });

  it('is as if nothing had been pressed when somebody else is here at the first try', async () => {
    const here = await tab(memory());
    shop.session = kim;
    expect((await here.pay('robin', LAMP, 'tok_ok', quietly)).kind).toBe('unsent');
    expect(shop.sent).toEqual([]);
    expect(here.unanswered(here.attempts.get(), 'robin')).toBeUndefined();
  });

  it('takes no refusal that was meant for another person', async () => {
    const here = await tab(memory());
    let tries = 0;
    shop.createOrder = async () => {
      tries += 1;
      if (tries === 1) throw new ConnectError('lost', Code.Unavailable);
      shop.session = kim;
      throw new ConnectError('not yours', Code.PermissionDenied);
    };
    const paid = here.pay('robin', LAMP, 'tok_ok', quietly);
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await paid).kind).toBe('unknown');
    expect(here.unanswered(here.attempts.get(), 'robin')).toBeDefined();
  });

  it('gives the answer to one person alone, and lets the next one pay', async () => {
    const here = await tab(memory());
    let answer = (_: typeof PAID): void => undefined;
    shop.createOrder = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const first = here.pay('robin', LAMP, 'tok_ok', quietly);
    expect(here.pay('robin', LAMP, 'tok_ok', quietly), 'pressed twice').toBe(first);
    await vi.advanceTimersByTimeAsync(0);
    shop.session = kim;
    expect(here.underWay('robin')).toBe(first);
    expect(here.underWay('kim')).toBeUndefined();
    const answerRobin = answer;
    shop.createOrder = async () => PAID;
    const second = here.pay('kim', [{ sku: 'MUG-STR-01', quantity: 2 }], 'tok_ok', quietly);
    expect((await second).kind).toBe('ordered');
    answerRobin(PAID);
    expect((await first).kind).toBe('ordered');
    expect(shop.sent).toEqual(['robin: 1 LMP-ARC-01', 'kim: 2 MUG-STR-01']);
    expect(here.attempts.get(), 'of whoever left nothing stays').toMatchObject([{ customerId: 'kim' }]);
    expect(here.unanswered(here.attempts.get(), 'kim')).toBeUndefined();
  });

  it('tells the next attempt which orders answered those before', async () => {
    const here = await tab(memory());
    for (const [id, status] of [
      ['one', OrderStatus.CONFIRMED],
      ['two', OrderStatus.REJECTED],
    ] as const) {
      shop.createOrder = async () => ({ id, status });
      await here.pay('robin', LAMP, 'tok_ok', quietly);
    }
    expect(here.openAttempt('robin').others).toEqual(['one', 'two']);
    shop.createOrder = async () => {
      throw new ConnectError('lost', Code.Unauthenticated);
    };
    await here.pay('robin', LAMP, 'tok_ok', quietly);
    expect(here.openAttempt('robin').others, 'also one that was not sent').toEqual(['one', 'two']);
    const sent = here.pressed(here.openAttempt('robin'), LAMP, 'tok_ok', Date.now());
    expect(sent.others).toEqual(['one', 'two']);
    expect(here.parseAttempts(JSON.parse(JSON.stringify([sent])))).toEqual([sent]);
  });
});
