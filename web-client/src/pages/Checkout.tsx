import { useQuery } from '@connectrpc/connect-query';
import { keepPreviousData } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { LoaderCircle } from 'lucide-react';
import { type RefObject, useEffect, useRef } from 'react';
import { attemptOf, attempts } from '~/checkout/attempt';
import type { Refusal } from '~/checkout/settle';
import { type Payment, type Till, usePayment } from '~/checkout/use-payment';
import { Button, ButtonLink } from '~/components/Button';
import { Failure } from '~/components/Failure';
import { Notice } from '~/components/Notice';
import { Beside, Page } from '~/components/Page';
import { METHODS, PaymentMethods } from '~/components/PaymentMethods';
import { PaySummary } from '~/components/PaySummary';
import { Bone, Skeleton } from '~/components/Skeleton';
import { TextLink, Title } from '~/components/Text';
import { UnansweredPayment } from '~/components/UnansweredPayment';
import { useDraft } from '~/drafts';
import { WebService } from '~/gen/stoa/bff/web/v1/web_pb';
import { UserService } from '~/gen/stoa/user/v1/user_pb';
import { useSession } from '~/session/session';
import { useCart } from '~/stores/cart';

export default function Checkout() {
  const session = useSession();
  const title = useRef<HTMLHeadingElement>(null);
  return (
    <Page name="Checkout">
      <Title ref={title}>Checkout</Title>
      {session.kind === 'person' ? (
        <>
          <Account id={session.id} />
          <Desk key={session.id} customerId={session.id} title={title} />
        </>
      ) : null}
    </Page>
  );
}

/** Whose order it will be. */
function Account({ id }: { id: string }) {
  const user = useQuery(UserService.method.getUser, { id });
  return (
    <div className="mt-3 text-muted">
      {/* As high before it is known as afterwards, but for the longest names. */}
      <p className="min-h-[3.2em] break-words sm:min-h-[1.6em]">
        {user.data
          ? `As ${user.data.name}, ${user.data.email}.`
          : user.isError
            ? 'Your name did not come just now; the order is yours all the same.'
            : null}
      </p>
      <p>The receipt stands under your orders; no mail is sent.</p>
    </div>
  );
}

function Desk({ customerId, title }: { customerId: string; title: RefObject<HTMLHeadingElement | null> }) {
  const till = usePayment(customerId);
  const { payment } = till;
  const navigate = useNavigate();

  useEffect(() => {
    if (payment.phase === 'ordered' && !payment.late)
      void navigate({ to: '/account/orders/$orderId', params: { orderId: payment.orderId }, replace: true });
    if (payment.phase === 'elsewhere') void navigate({ to: '/account/orders', replace: true });
  }, [payment, navigate]);

  // What the focus was on goes with the form, or with the question about an earlier payment.
  const { phase } = payment;
  const shown = useRef(phase);
  useEffect(() => {
    const focusLost = document.activeElement === document.body;
    if (shown.current !== phase && focusLost) title.current?.focus();
    shown.current = phase;
  }, [phase, title]);

  switch (payment.phase) {
    case 'asking':
      return <Waiting>Finding out what became of your payment…</Waiting>;
    case 'elsewhere':
      return <Waiting>Opening your orders…</Waiting>;
    case 'ordered':
      return payment.late ? (
        <Found orderId={payment.orderId} onGoOn={till.goOn} />
      ) : (
        <Waiting>Opening your order…</Waiting>
      );
    case 'open':
      return (
        <UnansweredPayment attempt={payment.attempt} known={payment.known} finishing={payment.finishing} till={till} />
      );
    default:
      return <Form customerId={customerId} payment={payment} start={till.start} />;
  }
}

function Form({
  customerId,
  payment,
  start,
}: {
  customerId: string;
  payment: Extract<Payment, { phase: 'choosing' | 'paying' }>;
  start: Till['start'];
}) {
  const cart = useCart();
  const paying = payment.phase === 'paying';
  // What is being paid for stays in sight, whatever another tab does to the cart.
  const items = paying ? payment.items : cart;
  // What was chosen before the session ended is chosen still.
  const before = attemptOf(attempts.get(), customerId)?.method;
  const chosen = METHODS.find(({ token }) => token === before) ?? METHODS[0];
  const [method, setMethod] = useDraft('method', chosen?.token ?? '');
  const methods = useRef<HTMLDivElement>(null);
  const page = useQuery(
    WebService.method.getCartPage,
    { items: items.map((item) => ({ ...item })) },
    { enabled: items.length > 0, placeholderData: keepPreviousData },
  );
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
          stale={page.isError}
          onPay={() => start(items, method)}
        />
      }
    >
      {payment.phase === 'choosing' && payment.refusal ? (
        <Refused
          refusal={payment.refusal}
          onRetry={() => start(items, method)}
          onOtherMethod={() => methods.current?.querySelector<HTMLInputElement>('input:not(:checked)')?.focus()}
        />
      ) : null}
      <PaymentMethods ref={methods} value={method} onChange={setMethod} isDisabled={paying} />
      {paying && payment.tries > 0 ? (
        <div className="mt-4">
          <Notice tone="warn" live>
            The answer got lost on the way. We are asking again, with the same number: it stays one order.
          </Notice>
        </div>
      ) : null}
    </Beside>
  );
}

/** The shop said no: read first, in sight, with everything still there to choose otherwise. */
function Refused({
  refusal,
  onRetry,
  onOtherMethod,
}: {
  refusal: Refusal;
  /** Pays again, as it was. */
  onRetry: () => void;
  onOtherMethod: () => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the same no once more is news again
  useEffect(() => {
    box.current?.focus({ preventScroll: true });
    box.current?.scrollIntoView({ block: 'start' });
  }, [refusal]);
  return (
    <div
      ref={box}
      tabIndex={-1}
      className="mb-8 scroll-mt-32 rounded-card border border-bad bg-surface px-5 outline-none"
    >
      <Failure error={refusal.error} onRetry={onRetry} onOtherMethod={onOtherMethod}>
        {refusal.orderId ? (
          <TextLink to="/account/orders/$orderId" params={{ orderId: refusal.orderId }}>
            See what happened, step by step
          </TextLink>
        ) : null}
      </Failure>
    </div>
  );
}

/** An order that was made while nobody was waiting for it any more. */
function Found({ orderId, onGoOn }: { orderId: string; onGoOn: () => void }) {
  return (
    <section role="status" className="mt-8 max-w-xl">
      <Notice tone="good">
        Your earlier payment did reach us: there is one order of it. What is in the cart now is not part of that.
      </Notice>
      <div className="mt-5 flex flex-wrap items-center gap-3">
        <ButtonLink to="/account/orders/$orderId" params={{ orderId }}>
          See the order
        </ButtonLink>
        <Button kind="quiet" onPress={onGoOn}>
          Go on to the checkout
        </Button>
      </div>
    </section>
  );
}

function Waiting({ children }: { children: string }) {
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
