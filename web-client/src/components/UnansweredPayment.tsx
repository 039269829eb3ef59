import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { useQuery } from '@connectrpc/connect-query';
import { useEffect, useRef } from 'react';
import { canFinish, type SentAttempt } from '~/checkout/attempt';
import type { Known, Till } from '~/checkout/use-payment';
import { WebService } from '~/gen/stoa/bff/web/v1/web_pb';
import { formatMoment } from '~/when';
import { Button } from './Button';
import { Failure } from './Failure';
import { Goods, Totals } from './Lines';
import { Beside, Card } from './Page';
import { Bone, Skeleton } from './Skeleton';
import { Heading, Muted } from './Text';

/** A payment that was sent and has no answer: what it would buy, and what to do with it. */
export function UnansweredPayment({
  attempt,
  known,
  finishing,
  till,
}: {
  attempt: SentAttempt;
  known: Known;
  finishing: boolean;
  till: Pick<Till, 'finish' | 'ask' | 'drop'>;
}) {
  const page = useQuery(WebService.method.getCartPage, { items: attempt.sent.items.map((item) => ({ ...item })) });
  const finish = (): void => till.finish(attempt);
  const ask = (): void => till.ask(attempt);
  return (
    <Beside
      aside={
        <Card>
          <Heading>What it would buy</Heading>
          <p className="mb-4 text-muted text-note">
            Sent on {formatMoment(timestampFromMs(attempt.sent.at))}; the prices are those of now.
          </p>
          {page.data ? (
            <>
              <Goods label="What it would buy" lines={page.data.lines} />
              <Totals page={page.data} />
            </>
          ) : page.error ? (
            <Failure error={page.error} onRetry={() => void page.refetch()} />
          ) : (
            <Skeleton label="The prices are loading">
              <Bone shape="block" />
            </Skeleton>
          )}
        </Card>
      }
    >
      <Told known={known} onFinish={finish} onAsk={ask} />
      <div className="mt-6 flex flex-wrap items-center gap-3">
        {finishing || (known.kind === 'no-order' && canFinish(attempt, Date.now())) ? (
          <Button isPending={finishing} onPress={finish}>
            {finishing ? 'Finishing…' : 'Finish this payment'}
          </Button>
        ) : null}
        {known.kind === 'not-asked' ? null : (
          <Button kind="quiet" isDisabled={finishing} onPress={ask}>
            Ask again
          </Button>
        )}
        <Button kind="plain" isDisabled={finishing} onPress={() => till.drop(attempt)}>
          Drop it
        </Button>
      </div>
      <div className="mt-6 max-w-xl">
        <Muted small>
          {canFinish(attempt, Date.now())
            ? 'Finishing sends it with the number it had: if it did become an order, you get that one and no second.'
            : 'It is too old to be sent again as it was. Drop it and pay from your cart.'}{' '}
          Dropping forgets it in this browser and leaves the cart as it is. Should an order turn up after all, it is
          among your orders, and you can cancel it there.
        </Muted>
      </div>
    </Beside>
  );
}

function Told({ known, onFinish, onAsk }: { known: Known; onFinish: () => void; onAsk: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new answer is read from its beginning
  useEffect(() => box.current?.focus(), [known]);
  return (
    <div ref={box} tabIndex={-1} className="scroll-mt-32 outline-none">
      {known.kind === 'no-order' ? (
        <section role="status">
          <Heading>No order has come of this payment so far</Heading>
          <p className="mt-2 max-w-xl text-muted">
            We looked through your orders: none holds exactly these things and was made since. Asking bought nothing,
            and nothing will be bought unless you finish it.
          </p>
        </section>
      ) : (
        <>
          <Heading>
            {known.kind === 'not-answered'
              ? 'We do not know yet whether your order went through'
              : 'We could not ask what became of your payment'}
          </Heading>
          <Failure error={known.error} onRetry={known.kind === 'not-answered' ? onFinish : onAsk} />
        </>
      )}
    </div>
  );
}
