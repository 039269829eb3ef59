import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { explain, MissingCode } from './explain';
import { errorInfo } from './info';
import { infoDetail } from './info.fixture';

const withInfo = (reason: string, metadata: Record<string, string> = {}): ConnectError => {
  const error = new ConnectError('no', Code.FailedPrecondition);
  error.details.push(infoDetail(reason, metadata));
  return error;
};

describe('an error in words', () => {
  it.each([
    [Code.Unavailable, 'retry'],
    [Code.DeadlineExceeded, 'retry'],
    [Code.Unauthenticated, 'sign-in'],
    [Code.ResourceExhausted, 'wait'],
    [Code.NotFound, 'home'],
    [Code.PermissionDenied, 'home'],
    [Code.InvalidArgument, 'retry'],
    [Code.Internal, 'retry'],
    [Code.DataLoss, 'retry'],
  ])('code %s leads to %s', (code, kind) => {
    expect(explain(new ConnectError('no', code)).wayOut.kind).toBe(kind);
  });

  it.each([
    ['OUT_OF_STOCK', 'cart'],
    ['PAYMENT_DECLINED', 'other-method'],
    ['PAYMENT_UNAVAILABLE', 'other-method'],
    ['USER_BLOCKED', 'support'],
    ['NO_PRICE', 'cart'],
    ['SOMETHING_NEW', 'retry'],
  ])('reason %s leads to %s', (reason, kind) => {
    expect(explain(withInfo(reason)).wayOut.kind).toBe(kind);
  });

  it('counts down from retry-after, and from a second without it', () => {
    const told = explain(new ConnectError('slow', Code.ResourceExhausted, { 'retry-after': '17' }));
    expect(told.wayOut).toEqual({ kind: 'wait', seconds: 17 });
    expect(explain(new ConnectError('slow', Code.ResourceExhausted, { 'retry-after': 'soon' })).wayOut).toEqual({
      kind: 'wait',
      seconds: 1,
    });
  });

  it('quotes the number the server logs under', () => {
    expect(explain(new ConnectError('no', Code.Internal, { 'x-correlation-id': 'abc-1' })).correlationId).toBe('abc-1');
  });

  it('reads reason, domain and metadata', () => {
    expect(errorInfo(withInfo('PAYMENT_DECLINED', { order_id: 'o-1', attempt: '2' }))).toMatchObject({
      reason: 'PAYMENT_DECLINED',
      domain: 'stoa.order',
      metadata: { order_id: 'o-1', attempt: '2' },
    });
  });

  it('shows nothing of the inside', () => {
    const told = explain(new ConnectError('SELECT * FROM users failed', Code.Internal));
    expect(`${told.title} ${told.text}`).not.toContain('SELECT');
  });

  it('says that a page whose code did not come did not load, and that a fault of the page is none of the network', () => {
    expect(explain(new MissingCode('Failed to fetch')).title).toMatch(/did not load/);
    expect(explain(new TypeError("Cannot read properties of undefined (reading 'loaded')")).title).toMatch(/broke/);
  });
});
