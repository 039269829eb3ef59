import { useLocation } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { type Answer, answerTo, attempts, unanswered } from '~/checkout/attempt';
import { useSession } from '~/session/session';
import { usePersisted } from '~/stores/persisted';
import { look } from './look';
import { TextLink } from './Text';

/** On every page but the checkout: a payment was sent and its answer not seen yet; then, what the answer was. */
export function PendingPayment() {
  const session = useSession();
  const who = session.kind === 'person' ? session.id : undefined;
  const key = unanswered(usePersisted(attempts), who)?.key;
  const path = useLocation({ select: ({ pathname }) => pathname });
  const onCheckout = path === '/shop/checkout';
  const over = useOver(key, who, path, onCheckout);
  if (onCheckout) return null;
  if (key) {
    return (
      <Strip tone="warn">
        A payment of yours has no answer yet. Do not pay again:{' '}
        <TextLink to="/shop/checkout">ask what became of it</TextLink>
      </Strip>
    );
  }
  return over ? <Told answer={answerTo(over)} /> : null;
}

/**
 * The key of the attempt that was waited for on this page and is answered now; until its person goes on to another
 * page, or leaves. The checkout tells of its attempts itself.
 */
function useOver(key: string | undefined, who: string | undefined, path: string, onCheckout: boolean) {
  const [waited, setWaited] = useState<{ key: string; who: string | undefined; path: string }>();
  const waits = key !== undefined && !onCheckout;
  if (waits && (waited?.key !== key || waited.path !== path)) setWaited({ key, who, path });
  if (!waits && waited && (waited.path !== path || waited.who !== who)) setWaited(undefined);
  return waits ? undefined : waited?.key;
}

/** An order may still be moving, or have come to nothing: its own page says how it stands, this only that it is there. */
function Told({ answer }: { answer: Answer | undefined }) {
  switch (answer?.kind) {
    case 'ordered':
      return (
        <Strip tone="good">
          Your payment has become an order:{' '}
          <TextLink to="/account/orders/$orderId" params={{ orderId: answer.orderId }}>
            see how it stands
          </TextLink>
        </Strip>
      );
    case 'refused':
      return (
        <Strip tone="warn">
          Your payment was refused: <TextLink to="/shop/checkout">back to the checkout</TextLink>
        </Strip>
      );
    default:
      return (
        <Strip tone="good">
          Your payment has its answer: <TextLink to="/account/orders">see your orders</TextLink>
        </Strip>
      );
  }
}

const TONES = { good: 'bg-good-soft text-good', warn: 'bg-warn-soft text-warn' };

function Strip({ tone, children }: { tone: keyof typeof TONES; children: ReactNode }) {
  return (
    <div role="status" className={look('print:hidden', TONES[tone])}>
      <p className="mx-auto flex max-w-[90rem] flex-wrap items-center gap-x-4 px-4 text-note sm:px-6 lg:px-10">
        {children}
      </p>
    </div>
  );
}
