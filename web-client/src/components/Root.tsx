import { Outlet, useLocation } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useVisit } from '~/session/session';
import { Footer } from './Footer';
import { Header } from './Header';
import { OfflineStrip } from './OfflineStrip';
import { PendingPayment } from './PendingPayment';

/** What every page stands in. */
export function Root() {
  const main = useFocusInPage();
  return (
    <div className="flex min-h-dvh flex-col">
      <Header />
      <OfflineStrip />
      <PendingPayment />
      <main id="main" ref={main} tabIndex={-1} className="min-h-[calc(100dvh-3.75rem)] flex-1 outline-none">
        <Outlet key={useVisit()} />
      </main>
      <Footer />
    </div>
  );
}

/**
 * A new page is where reading goes on, so the focus goes there too, unless somebody is typing in the search. And what
 * held the focus may go, be disabled or be hidden at any moment, by an answer, a break, a sign-out in another tab, a
 * zoom that leaves no room for it: the page takes the focus then, where the browser would drop it on the document.
 */
function useFocusInPage() {
  const main = useRef<HTMLElement>(null);
  const path = useLocation({ select: ({ pathname }) => pathname });
  const shown = useRef(path);

  useEffect(() => {
    if (path === shown.current) return;
    shown.current = path;
    const active = document.activeElement;
    const searching = active?.tagName === 'INPUT' && !main.current?.contains(active);
    if (!searching) main.current?.focus({ preventScroll: true });
  }, [path]);

  useEffect(() => {
    const page = main.current;
    if (!page) return;
    let held: EventTarget | null = null;
    const hold = ({ target }: FocusEvent): void => {
      held = target;
    };
    const lost = (gone: (element: Element) => boolean): void => {
      const { activeElement: active, body } = document;
      const dropped = held instanceof Element && gone(held) && (active === held || active === body);
      if (dropped) page.focus({ preventScroll: true });
    };
    const taken = new MutationObserver(() => lost((one) => !one.isConnected || one.matches(':disabled')));
    const resized = (): void => lost((one) => !one.checkVisibility());
    document.addEventListener('focusin', hold);
    addEventListener('resize', resized);
    taken.observe(page, { childList: true, subtree: true, attributeFilter: ['disabled'] });
    return () => {
      document.removeEventListener('focusin', hold);
      removeEventListener('resize', resized);
      taken.disconnect();
    };
  }, []);

  return main;
}
