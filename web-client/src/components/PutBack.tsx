import { useEffect, useRef, useState } from 'react';
import type { Order } from '~/gen/stoa/order/v1/types_pb';
import { holds, putBack, useCart } from '~/stores/cart';
import { Button } from './Button';
import { Notice } from './Notice';
import { TextLink } from './Text';

/**
 * An order that came to nothing: its things may go back into the cart. Whether they are there is read from the cart
 * itself, so that pressing in two tabs, or after a card that was declined, puts nothing there twice.
 */
export function PutBack({ order }: { order: Order }) {
  const cart = useCart();
  const lines = order.items.map(({ sku, quantity }) => ({ sku, quantity }));
  const there = holds(cart, lines);
  const [pressed, setPressed] = useState(false);
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    if (there && pressed) link.current?.focus();
  }, [there, pressed]);
  if (there) {
    return (
      <p role="status">
        These things are in your cart.{' '}
        <TextLink ref={link} to="/shop/cart">
          Go to the cart
        </TextLink>
      </p>
    );
  }
  const put = (): void => {
    setPressed(true);
    putBack(lines);
  };
  return (
    <>
      <Button onPress={put}>Put these back in the cart</Button>
      {pressed ? (
        <div className="mt-4">
          <Notice tone="warn" live>
            The cart is full, so not everything went back. <TextLink to="/shop/cart">Make room in the cart</TextLink>
          </Notice>
        </div>
      ) : null}
    </>
  );
}
