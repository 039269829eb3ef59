import { Link } from '@tanstack/react-router';
import { Moon, ShoppingBag, Sun, UserRound } from 'lucide-react';
import { useSession } from '~/session/session';
import { pieces, useCart } from '~/stores/cart';
import { chooseTheme, useTheme } from '~/stores/theme';
import { IconButton, IconLink } from './Button';
import { SearchBox } from './SearchBox';

/** The head of every page: home, search, theme, account, cart. */
export function Header() {
  return (
    <header className="sticky top-0 z-10 border-line border-b bg-page">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:rounded-control focus:bg-surface focus:px-4 focus:py-3"
      >
        Skip to the content
      </a>
      <div className="mx-auto flex max-w-[90rem] flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2 sm:px-6 md:flex-nowrap md:gap-x-8 lg:px-10">
        <Wordmark />
        <div className="order-last w-full md:order-none md:mx-auto md:max-w-xl">
          <SearchBox />
        </div>
        <nav aria-label="Your things" className="ml-auto flex items-center md:ml-0">
          <ThemeToggle />
          <AccountLink />
          <CartLink />
        </nav>
      </div>
    </header>
  );
}

function Wordmark() {
  return (
    <Link
      to="/"
      aria-label="Stoa, front page"
      className="-ml-1 inline-flex min-h-11 items-center gap-2.5 rounded-control px-1"
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
      <span className="font-semibold text-[1.375rem] tracking-[-0.04em]">Stoa</span>
    </Link>
  );
}

function ThemeToggle() {
  const dark = useTheme() === 'dark';
  return (
    <IconButton
      label={dark ? 'Switch to the light theme' : 'Switch to the dark theme'}
      onPress={() => chooseTheme(dark ? 'light' : 'dark')}
    >
      {dark ? <Sun size={20} aria-hidden="true" /> : <Moon size={20} aria-hidden="true" />}
    </IconButton>
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
      {known ? <span className="absolute top-2 right-2 size-2.5 rounded-full border-2 border-page bg-good" /> : null}
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
          className="absolute top-0.5 right-0 min-w-5 animate-pop rounded-full bg-accent px-1 text-center font-medium text-[0.6875rem] text-on-accent leading-5 tabular-nums"
        >
          {count}
        </span>
      ) : null}
    </IconLink>
  );
}
