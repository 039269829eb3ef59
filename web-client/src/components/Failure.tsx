import { useLocation } from '@tanstack/react-router';
import { Check, Copy, LifeBuoy } from 'lucide-react';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { explain, type WayOut } from '~/errors/explain';
import { Button, ButtonLink } from './Button';
import { Heading, Title } from './Text';

const CART = '/shop/cart';

/** What happened, what to do, the button for it, and the number to quote. */
export function Failure({
  error,
  onRetry,
  onOtherMethod,
  whole = false,
  children,
}: {
  error: unknown;
  onRetry?: () => void;
  /** To another way to pay, where that would help. */
  onOtherMethod?: () => void;
  /** Whether this is all there is of the page. */
  whole?: boolean;
  children?: ReactNode;
}) {
  // Once per error: the number to quote must not change under the eyes of whoever reads it out.
  const told = useMemo(() => explain(error), [error]);
  return (
    <section role="alert" className="max-w-xl py-6">
      {whole ? <Title>{told.title}</Title> : <Heading>{told.title}</Heading>}
      <p className="mt-2 text-muted">{told.text}</p>
      {children}
      <div className="mt-5 flex flex-wrap items-center gap-3">
        <Way wayOut={told.wayOut} onRetry={onRetry} onOtherMethod={onOtherMethod} errorId={told.correlationId} />
      </div>
      <Quote id={told.correlationId} />
    </section>
  );
}

function Way({
  wayOut,
  onRetry,
  onOtherMethod,
  errorId,
}: {
  wayOut: WayOut;
  onRetry: (() => void) | undefined;
  onOtherMethod: (() => void) | undefined;
  errorId: string;
}) {
  const { href: here, pathname } = useLocation();
  switch (wayOut.kind) {
    case 'retry':
      return onRetry ? <Button onPress={onRetry}>{wayOut.label}</Button> : null;
    case 'wait':
      // Another error counts from its own beginning.
      return <Countdown key={errorId} seconds={wayOut.seconds} onDone={onRetry} />;
    case 'sign-in':
      return (
        <ButtonLink to="/account/sign-in" search={{ next: here }}>
          Sign in
        </ButtonLink>
      );
    case 'cart':
      return pathname === CART ? null : <ButtonLink to={CART}>Look at the cart</ButtonLink>;
    case 'other-method':
      return onOtherMethod ? <Button onPress={onOtherMethod}>Choose another method</Button> : null;
    case 'support':
      return (
        <p className="inline-flex items-center gap-2 text-muted">
          <LifeBuoy size={18} aria-hidden="true" /> Quote the number below when you ask.
        </p>
      );
    case 'home':
      return (
        <ButtonLink to="/" kind="quiet">
          To the front page
        </ButtonLink>
      );
  }
}

function Countdown({ seconds, onDone }: { seconds: number; onDone: (() => void) | undefined }) {
  const [end] = useState(() => Date.now() + seconds * 1000);
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    // By the clock: a computer that slept, or a tab behind, has waited all the same.
    const timer = setInterval(() => setLeft(Math.max(0, Math.ceil((end - Date.now()) / 1000))), 1000);
    return () => clearInterval(timer);
  }, [end]);
  return (
    <Button isDisabled={left > 0} {...(onDone ? { onPress: onDone } : {})}>
      {left > 0 ? `Try again in ${left} s` : 'Try again'}
    </Button>
  );
}

/** The correlation id, to copy; where a page may not copy, it is selected for the keyboard. */
function Quote({ id }: { id: string }) {
  const [done, setDone] = useState<'Copied' | 'Selected'>();
  const number = useRef<HTMLElement>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(id);
      setDone('Copied');
    } catch {
      if (number.current) getSelection()?.selectAllChildren(number.current);
      setDone('Selected');
    }
  };
  return (
    <p className="mt-5 flex flex-wrap items-center gap-x-3 text-muted text-note">
      <span>
        Number to quote:{' '}
        <code ref={number} className="break-all">
          {id}
        </code>
      </span>
      <Button kind="plain" onPress={() => void copy()}>
        {done ? <Check size={16} aria-hidden="true" /> : <Copy size={16} aria-hidden="true" />}
        {done ?? 'Copy'}
      </Button>
    </p>
  );
}
