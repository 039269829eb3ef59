/**
 * The generated types hold the pages to the contract: a field that does not exist, or one of another type, does not
 * compile. `npm run lint` compiles this file; each expected error that stays away is an error itself.
 * row: P22
 */
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { GetSearchPageRequestSchema } from '~/gen/stoa/bff/web/v1/web_pb';
import { CreateOrderRequestSchema, OrderService } from '~/gen/stoa/order/v1/order_pb';

describe('the contract in the browser', () => {
  it('knows its fields', () => {
    expect(create(GetSearchPageRequestSchema, { query: 'lamp', pageSize: 24 }).pageSize).toBe(24);
    // @ts-expect-error there is no such field
    expect(create(GetSearchPageRequestSchema, { search: 'lamp' }).query).toBe('');
  });

  it('knows their types', () => {
    // @ts-expect-error a quantity is a number
    expect(create(CreateOrderRequestSchema, { items: [{ sku: 'A', quantity: '2' }] }).items).toHaveLength(1);
  });

  it('knows what streams and what does not', () => {
    expect(OrderService.method.watchOrderStatus.methodKind).toBe('server_streaming');
    expect(OrderService.method.createOrder.methodKind).toBe('unary');
  });
});
