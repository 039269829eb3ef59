import { Link } from '@tanstack/react-router';
import { ShoppingBag, UserRound } from 'lucide-react';
import { useEffect } from 'react';
import { useSession } from '~/session/session';
import { pieces, useCart } from '~/stores/cart';
import { IconLink } from './Button';
import { SearchBox } from './SearchBox';
import { ThemeToggle } from './ThemeToggle';

/**
 * The head of every page: home, search, account, cart; the theme too, where there is room, else it is in the footer.
 * One row at every width and size of text, so that what stays in view stays slim.
 */
export function Header() {
  useEffect(() => {
    addEventListener('focusin', bringIntoView);
    return () => removeEventListener('focusin', bringIntoView);
  }, []);
  return (
    <header className="print:hidden sticky top-0 z-10 border-line border-b bg-page short:static">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-10 focus:rounded-control focus:bg-surface focus:px-4 focus:py-3"
      >
        Skip to the content
      </a>
      <div className="mx-auto flex max-w-[90rem] items-center gap-[10px] px-4 py-[8px] sm:gap-4 sm:px-6 md:gap-8 lg:px-10">
        <Wordmark />
        <search className="mx-auto w-full min-w-0 md:max-w-xl">
          <SearchBox />
        </search>
        <nav aria-label="Your things" className="-mr-2 flex shrink-0 items-center sm:mr-0">
          <span className="max-sm:hidden">
            <ThemeToggle />
          </span>
          <AccountLink />
          <CartLink />
        </nav>
      </div>
    </header>
  );
}

/** Browsers leave alone what can be seen in part, also if the header or the edge of a row covers the rest. */
function bringIntoView({ target }: FocusEvent): void {
  const reached = target instanceof HTMLElement && target.tabIndex >= 0 && target.matches(':focus-visible');
  if (reached) target.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

function Wordmark() {
  return (
    <Link
      to="/"
      aria-label="Stoa, front page"
      className="-ml-[5px] inline-flex h-[44px] min-w-[44px] shrink-0 items-center justify-center gap-2.5 rounded-control px-[5px]"
    >
      <svg
        viewBox="0 0 34 24"
        width="34"
        height="24"
        aria-hidden="true"
        fill="none"
        stroke="currentColor"
        strokeWidth="2.4"
        strokeLinecap="round"
      >
        <path d="M3 22V11a5 5 0 0 1 9.3 0v11M12.3 22V11a5 5 0 0 1 9.4 0v11M21.7 22V11a5 5 0 0 1 9.3 0v11M1 22.5h32" />
      </svg>
      <span className="font-semibold text-[1.375rem] tracking-[-0.04em] max-sm:hidden">Stoa</span>
    </Link>
  );
}

function AccountLink() {
  const known = useSession().kind === 'person';
  return (
    <IconLink
      to={known ? '/account/orders' : '/account/sign-in'}
      aria-label={known ? 'Your orders and account' : 'Sign in'}
    >
      <UserRound size={20} aria-hidden="true" />
      {known ? (
        <span className="absolute top-[8px] right-[8px] size-[10px] rounded-full border-2 border-page bg-good" />
      ) : null}
    </IconLink>
  );
}

function CartLink() {
  const count = pieces(useCart());
  return (
    <IconLink to="/shop/cart" aria-label={count === 1 ? 'Cart, 1 piece' : `Cart, ${count} pieces`}>
      <ShoppingBag size={20} aria-hidden="true" />
      {count > 0 ? (
        <span
          key={count}
          className="absolute top-0.5 right-0 min-w-[20px] animate-pop rounded-full bg-accent px-[4px] text-center font-medium text-[11px] text-on-accent leading-[20px] tabular-nums forced-colors:outline"
        >
          {count}
        </span>
      ) : null}
    </IconLink>
  );
}
