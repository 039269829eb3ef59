/** The one place where an error becomes words and a way out. */
import { Code, ConnectError } from '@connectrpc/connect';
import { errorInfo } from './info';
import { numberToQuote } from './quote';

/** What the page offers next. */
export type WayOut =
  | { readonly kind: 'retry'; readonly label: string }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'sign-in' }
  | { readonly kind: 'cart' }
  | { readonly kind: 'other-method' }
  | { readonly kind: 'support' }
  | { readonly kind: 'home' };

export interface Explanation {
  readonly title: string;
  readonly text: string;
  readonly wayOut: WayOut;
  readonly correlationId: string;
}

const AGAIN: WayOut = { kind: 'retry', label: 'Try again' };

/** A page's own code that did not come. */
export class MissingCode extends Error {
  override readonly name = 'MissingCode';
}

const NO_CODE = {
  title: 'This page did not load',
  text: 'A part of it did not reach your browser: your connection may be down for a moment. Nothing you did is lost.',
  wayOut: AGAIN,
};

/** A payment that was not sent, since the browser would have forgotten it: a second press would have paid twice. */
export function notKept(): ConnectError {
  const error = new ConnectError('the attempt could not be kept', Code.FailedPrecondition);
  // Told by its name: every ConnectError counts as an instance of every class of them.
  error.name = NOT_KEPT;
  return error;
}

const NOT_KEPT = 'NotKept';

const NO_ROOM = {
  title: 'Your browser has no room for this payment',
  text: 'Nothing was sent. We only pay what your browser can remember, or a reload might pay it twice. Delete what other pages of this site have stored, or use another browser.',
  wayOut: AGAIN,
};

/** Says what happened, what to do, and what to quote. */
export function explain(thrown: unknown): Explanation {
  const correlationId = numberToQuote(thrown);
  if (thrown instanceof MissingCode) return { ...NO_CODE, correlationId };
  const error = ConnectError.from(thrown);
  if (error.name === NOT_KEPT) return { ...NO_ROOM, correlationId };
  return { ...words(error, errorInfo(error)?.reason), correlationId };
}

function words(error: ConnectError, reason: string | undefined): Pick<Explanation, 'title' | 'text' | 'wayOut'> {
  switch (error.code) {
    case Code.Unavailable:
      return {
        title: 'The shop is out of reach',
        text: 'Either your connection or one of our services is down for a moment. Nothing you did is lost.',
        wayOut: AGAIN,
      };
    case Code.DeadlineExceeded:
      return { title: 'That took too long', text: 'The answer did not come in time.', wayOut: AGAIN };
    case Code.Unauthenticated:
      return {
        title: 'Please sign in',
        text: 'This page is yours alone. Sign in and we bring you straight back.',
        wayOut: { kind: 'sign-in' },
      };
    case Code.ResourceExhausted:
      return {
        title: 'A little too fast',
        text: 'We limit how often this can be asked, to keep the shop quick for everyone.',
        wayOut: { kind: 'wait', seconds: retryAfterSeconds(error) },
      };
    case Code.FailedPrecondition:
      return refusal(error, reason);
    case Code.NotFound:
      return {
        title: 'We could not find that',
        text: 'It may be gone, or the address is not quite right.',
        wayOut: { kind: 'home' },
      };
    case Code.PermissionDenied:
      return {
        title: 'That is not yours to open',
        text: 'You are signed in as someone else.',
        wayOut: { kind: 'home' },
      };
    case Code.InvalidArgument:
    case Code.OutOfRange:
    case Code.AlreadyExists:
      return { title: 'That did not work', text: sentence(error.rawMessage), wayOut: AGAIN };
    default:
      return {
        title: 'Something broke on our side',
        text: 'It is not your doing, and what you entered is kept. If it breaks again, quote the number below.',
        wayOut: AGAIN,
      };
  }
}

function refusal(error: ConnectError, reason: string | undefined): Pick<Explanation, 'title' | 'text' | 'wayOut'> {
  switch (reason) {
    case 'OUT_OF_STOCK':
      return {
        title: 'There is not enough left',
        text: 'Somebody was faster. You were not charged; the cart shows how much there is.',
        wayOut: { kind: 'cart' },
      };
    case 'PAYMENT_DECLINED':
      return {
        title: 'The payment was declined',
        text: 'You were not charged and the things are back on the shelf. Another method may do.',
        wayOut: { kind: 'other-method' },
      };
    case 'PAYMENT_UNAVAILABLE':
      return {
        title: 'The payment provider is down',
        text: 'You were not charged. Try another method, or this one in a while.',
        wayOut: { kind: 'other-method' },
      };
    case 'USER_BLOCKED':
      return {
        title: 'This account cannot order',
        text: 'It was blocked. Whoever runs this shop can tell you why.',
        wayOut: { kind: 'support' },
      };
    case 'NO_PRICE':
      return {
        title: 'A price is missing',
        text: 'One of the things in your cart has no price at the moment. Take it out or come back later.',
        wayOut: { kind: 'cart' },
      };
    case 'SUM_TOO_LARGE':
      return {
        title: 'That is more than can be paid',
        text: 'No payment can be as large as this cart. Take something out, or order less of it.',
        wayOut: { kind: 'cart' },
      };
    default:
      return { title: 'That is not possible now', text: sentence(error.rawMessage), wayOut: AGAIN };
  }
}

/** How long the server asks us to wait; a second if it does not say. */
export function retryAfterSeconds(error: ConnectError): number {
  const seconds = Number.parseInt(error.metadata.get('retry-after') ?? '', 10);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 3600) : 1;
}

function sentence(message: string): string {
  if (!message) return 'The shop refused it without saying why.';
  const text = message[0]?.toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
