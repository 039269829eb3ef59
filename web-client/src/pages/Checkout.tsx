import { useQuery } from '@connectrpc/connect-query';
import { keepPreviousData } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { LoaderCircle } from 'lucide-react';
import { useEffect } from 'react';
import { type Payment, usePayment } from '~/checkout/use-payment';
import { ButtonLink } from '~/components/Button';
import { Failure } from '~/components/Failure';
import { Notice } from '~/components/Notice';
import { Beside, Page } from '~/components/Page';
import { METHODS, PaymentMethods } from '~/components/PaymentMethods';
import { PaySummary } from '~/components/PaySummary';
import { Bone, Skeleton } from '~/components/Skeleton';
import { Muted, TextLink, Title } from '~/components/Text';
import { useDraft } from '~/drafts';
import { WebService } from '~/gen/stoa/bff/web/v1/web_pb';
import { useSession } from '~/session/session';
import { useCart } from '~/stores/cart';

export default function Checkout() {
  const session = useSession();
  return (
    <Page name="Checkout">
      <Title>Checkout</Title>
      {session.kind === 'person' ? <Desk customerId={session.id} /> : null}
    </Page>
  );
}

function Desk({ customerId }: { customerId: string }) {
  const { payment, start, choose } = usePayment(customerId);
  const navigate = useNavigate();
  const outcome = payment.phase === 'over' ? payment.outcome : undefined;

  useEffect(() => {
    if (outcome?.kind === 'ordered')
      void navigate({ to: '/account/orders/$orderId', params: { orderId: outcome.order.id }, replace: true });
    if (outcome?.kind === 'elsewhere') void navigate({ to: '/account/orders', replace: true });
  }, [outcome, navigate]);

  if (outcome?.kind === 'ordered' || outcome?.kind === 'elsewhere') return <Finding>Opening your order…</Finding>;
  if (outcome?.kind === 'unknown') return <Unknown error={outcome.error} onAsk={() => start([], '')} />;
  if (payment.phase === 'paying' && payment.resumed) return <Finding>Finding out what became of your payment…</Finding>;
  return <Form payment={payment} start={start} choose={choose} />;
}

function Form({
  payment,
  start,
  choose,
}: { payment: Payment } & Pick<ReturnType<typeof usePayment>, 'start' | 'choose'>) {
  const items = useCart();
  const [method, setMethod] = useDraft('method', METHODS[0]?.token ?? '');
  const page = useQuery(
    WebService.method.getCartPage,
    { items: items.map((item) => ({ ...item })) },
    { enabled: items.length > 0, placeholderData: keepPreviousData },
  );
  const refused = payment.phase === 'over' && payment.outcome.kind === 'refused' ? payment.outcome : undefined;
  const paying = payment.phase === 'paying';

  if (refused) {
    return (
      <Failure error={refused.error} onRetry={choose}>
        {refused.orderId ? (
          <TextLink to="/account/orders/$orderId" params={{ orderId: refused.orderId }}>
            See what happened, step by step
          </TextLink>
        ) : null}
      </Failure>
    );
  }
  if (items.length === 0) return <NothingToPay />;
  if (page.isPending) return <DeskBones />;
  if (!page.data) return <Failure error={page.error} onRetry={() => void page.refetch()} />;
  return (
    <Beside
      aside={
        <PaySummary
          page={page.data}
          paying={paying}
          settling={page.isPlaceholderData}
          onPay={() => start(items, method)}
        />
      }
    >
      <PaymentMethods value={method} onChange={setMethod} isDisabled={paying} />
      <div className="mt-6">
        <Muted small>A sandbox stands behind all of them: no card is asked for and no money moves.</Muted>
      </div>
      {payment.phase === 'paying' && payment.tries > 0 ? (
        <div className="mt-4">
          <Notice tone="warn" live>
            The answer got lost on the way. We are asking again, with the same order number: you pay once.
          </Notice>
        </div>
      ) : null}
    </Beside>
  );
}

/** Nobody knows yet; the attempt is kept, and asking again cannot charge twice. */
function Unknown({ error, onAsk }: { error: unknown; onAsk: () => void }) {
  return (
    <div className="mt-6 max-w-xl">
      <Notice tone="warn" live>
        We do not know yet whether your order went through. Asking again is safe: it carries the same number, so there
        is at most one order and one charge. The number is kept in this browser, even if you close it.
      </Notice>
      <Failure error={error} onRetry={onAsk} />
    </div>
  );
}

function Finding({ children }: { children: string }) {
  return (
    <p role="status" className="mt-8 flex items-center gap-3 text-lead text-muted">
      <LoaderCircle size={22} aria-hidden="true" className="animate-spin" /> {children}
    </p>
  );
}

function NothingToPay() {
  return (
    <div className="mt-6">
      <p className="mb-8 text-lead text-muted">There is nothing in the cart to pay for.</p>
      <ButtonLink to="/shop/search">Look around</ButtonLink>
    </div>
  );
}

function DeskBones() {
  return (
    <Skeleton label="The checkout is loading">
      <Beside aside={<Bone shape="tall" />}>
        <div className="flex flex-col gap-4">
          <Bone shape="title" />
          <Bone shape="block" />
          <Bone shape="block" />
          <Bone shape="block" />
        </div>
      </Beside>
    </Skeleton>
  );
}
