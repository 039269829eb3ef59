import { useLocation } from '@tanstack/react-router';
import { attempts, unanswered } from '~/checkout/attempt';
import { useSession } from '~/session/session';
import { usePersisted } from '~/stores/persisted';
import { TextLink } from './Text';

/** On every page but the checkout: a payment was sent and its answer never seen. */
export function PendingPayment() {
  const session = useSession();
  const all = usePersisted(attempts);
  const onCheckout = useLocation({ select: ({ pathname }) => pathname === '/shop/checkout' });
  if (onCheckout || !unanswered(all, session.kind === 'person' ? session.id : undefined)) return null;
  return (
    <div role="status" className="bg-warn-soft text-warn">
      <p className="mx-auto flex max-w-[90rem] flex-wrap items-center gap-x-4 px-4 text-note sm:px-6 lg:px-10">
        A payment of yours has no answer yet. Do not pay again:{' '}
        <TextLink to="/shop/checkout">ask what became of it</TextLink>
      </p>
    </div>
  );
}
