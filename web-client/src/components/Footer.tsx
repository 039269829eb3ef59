import { useSession } from '~/session/session';
import { TextLink } from './Text';

/** The foot of every page. */
export function Footer() {
  const session = useSession();
  return (
    <footer className="border-line border-t bg-sunken">
      <div className="mx-auto flex max-w-[90rem] flex-wrap items-center justify-between gap-x-8 gap-y-2 px-4 py-8 text-muted text-note sm:px-6 lg:px-10">
        <p>Stoa is a demonstration shop: everything is drawn, nothing is sent, no card is charged.</p>
        <nav aria-label="More" className="flex flex-wrap gap-x-6">
          <TextLink to="/shop/search">All products</TextLink>
          <TextLink to="/account/orders">Your orders</TextLink>
          {session.kind === 'person' ? <TextLink to="/account">Account</TextLink> : null}
        </nav>
        {session.kind === 'person' && session.endsWithTab ? (
          <p className="w-full">
            This browser keeps no session on a plain http address: closing the tab signs you out.
          </p>
        ) : null}
      </div>
    </footer>
  );
}
