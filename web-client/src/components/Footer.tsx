import { type ReactNode, useId } from 'react';
import { ENDS_WITH_TAB, useSession } from '~/session/session';
import { TextLink } from './Text';
import { ThemeToggle } from './ThemeToggle';

/** The foot of every page: what this shop is, and where a customer's questions are answered. */
export function Footer() {
  const session = useSession();
  return (
    <footer className="print:hidden border-line border-t bg-sunken text-note">
      <div className="mx-auto grid max-w-[90rem] gap-x-12 gap-y-8 px-4 py-10 sm:px-6 md:grid-cols-[minmax(0,1fr)_auto] md:gap-x-24 lg:px-10">
        <div className="flex max-w-sm items-start justify-between gap-4 text-muted">
          <div>
            <p className="font-medium text-body text-ink">Stoa is a demonstration shop.</p>
            <p className="mt-1">Everything in it is drawn. Nothing is sent and no money moves.</p>
            {session.kind === 'person' && session.endsWithTab ? <p className="mt-2">{ENDS_WITH_TAB}</p> : null}
          </div>
          <span className="sm:hidden">
            <ThemeToggle />
          </span>
        </div>
        <div className="flex flex-wrap gap-x-16 gap-y-6">
          <Links title="Shop">
            <TextLink to="/shop/search">All products</TextLink>
            <TextLink to="/account/orders">Your orders</TextLink>
            {session.kind === 'person' ? <TextLink to="/account">Account</TextLink> : null}
          </Links>
          <Links title="Help">
            <TextLink to="/shop/returns">Returns</TextLink>
            <TextLink to="/shop/contact">Contact</TextLink>
            <TextLink to="/shop/privacy">Privacy</TextLink>
          </Links>
        </div>
      </div>
    </footer>
  );
}

function Links({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <nav aria-labelledby={id} className="flex flex-col items-start">
      <h2 id={id} className="mb-1 font-medium text-body">
        {title}
      </h2>
      {children}
    </nav>
  );
}
