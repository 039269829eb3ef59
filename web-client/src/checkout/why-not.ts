/** Why a cart cannot be ordered, in words; for one that can it says nothing. */
import type { GetCartPageResponse } from '~/gen/stoa/bff/web/v1/web_pb';

export function whyNot({ canOrder, lines, degraded }: GetCartPageResponse): string | undefined {
  if (canOrder) return undefined;
  if (lines.some(({ available }) => !available))
    return 'Something in the cart cannot be had as it is. Change that in the cart, and the checkout opens.';
  if (degraded.includes('user'))
    return 'We could not find out whether your account may order. Nothing is lost: try again in a moment.';
  return 'This account cannot order. Whoever runs this shop can tell you why.';
}
