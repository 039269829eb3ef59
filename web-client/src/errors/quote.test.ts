import { Code, ConnectError } from '@connectrpc/connect';
import { expect, it, vi } from 'vitest';
import { numberOfCall, numberToQuote } from './quote';

it('quotes what there is: a number of its own, told to the console, the last call, the log', () => {
  const told = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const fault = new TypeError('x is undefined');
  const fresh = numberToQuote(fault);
  expect(fresh).toMatch(/^[0-9a-f-]{36}$/);
  expect(told).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(fresh), fault);

  numberOfCall();
  const last = numberOfCall();
  expect(numberToQuote(fault)).toBe(last);
  expect(numberToQuote(new ConnectError('no', Code.Internal, { 'x-correlation-id': 'abc-1' }))).toBe('abc-1');
  expect(told).toHaveBeenCalledOnce();
  told.mockRestore();
});
