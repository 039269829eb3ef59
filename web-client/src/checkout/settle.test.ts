import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { infoDetail } from '../errors/info.fixture';
import { settle } from './settle';

const fails = (...codes: Code[]) => {
  const left = [...codes];
  let sent = 0;
  return {
    sent: () => sent,
    send: async () => {
      sent += 1;
      const code = left.shift();
      if (code !== undefined) throw new ConnectError('no', code);
      return 'the order';
    },
  };
};
const waits: number[] = [];
const wait = async (ms: number) => void waits.push(ms);

describe('settling an attempt', () => {
  it('asks again until it knows, with growing pauses', async () => {
    waits.length = 0;
    const server = fails(Code.Unavailable, Code.DeadlineExceeded, Code.Internal, Code.Unknown, Code.Aborted);
    expect(await settle({ send: server.send, wait })).toEqual({ kind: 'ordered', order: 'the order' });
    expect(server.sent()).toBe(6);
    expect(waits).toEqual([400, 800, 1600, 3200, 6400]);
  });

  it('takes a no for an answer, at once, and knows the rejected order', async () => {
    const error = new ConnectError('Payment declined', Code.FailedPrecondition);
    error.details.push(infoDetail('PAYMENT_DECLINED', { order_id: 'abc' }));
    let sent = 0;
    const outcome = await settle({
      send: async () => {
        sent += 1;
        throw error;
      },
      wait,
    });
    expect(outcome).toMatchObject({ kind: 'refused', orderId: 'abc' });
    expect(sent).toBe(1);
  });

  it('keeps the attempt when patience ends', async () => {
    const server = fails(...Array.from({ length: 50 }, () => Code.Unavailable));
    expect((await settle({ send: server.send, wait })).kind).toBe('unknown');
    expect(server.sent()).toBe(8);
  });

  it('knows that nothing was sent when nobody was let in', async () => {
    const server = fails(Code.Unauthenticated);
    expect((await settle({ send: server.send, wait })).kind).toBe('unsent');
    expect(server.sent()).toBe(1);
  });

  it('keeps the attempt when the session ends midway', async () => {
    const server = fails(Code.Unavailable, Code.Unauthenticated);
    expect((await settle({ send: server.send, wait })).kind).toBe('unknown');
    expect(server.sent()).toBe(2);
  });

  it('waits as long as it is told, or says so when that is too long', async () => {
    waits.length = 0;
    const limited = (seconds: string) =>
      new ConnectError('slow down', Code.ResourceExhausted, { 'retry-after': seconds });
    let first = true;
    const send = async () => {
      if (!first) return 'the order';
      first = false;
      throw limited('6');
    };
    expect((await settle({ send, wait })).kind).toBe('ordered');
    expect(waits).toEqual([6000]);
    expect(
      (
        await settle({
          send: async () => {
            throw limited('60');
          },
          wait,
        })
      ).kind,
    ).toBe('unknown');
  });
});
