import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { GetCartPageResponseSchema } from '~/gen/stoa/bff/web/v1/web_pb';
import { whyNot } from './why-not';

const page = (canOrder: boolean, available: boolean, degraded: string[] = []) =>
  create(GetCartPageResponseSchema, { canOrder, lines: [{ sku: 'MUG-STR-01', available }], degraded });

it.each([
  ['can be ordered', page(true, true), undefined],
  ['has a line that ran out', page(false, false), /cannot be had as it is/],
  ['is of somebody nobody could ask about', page(false, true, ['user']), /could not find out/],
  ['is of somebody who was blocked', page(false, true), /This account cannot order/],
])('says why a cart that %s', (_, cart, told) => {
  if (told) expect(whyNot(cart)).toMatch(told);
  else expect(whyNot(cart)).toBeUndefined();
});
