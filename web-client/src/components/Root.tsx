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
 * held the focus may go or be disabled at any moment, by an answer, a break, a sign-out in another tab: the page it
 * stood in takes the focus then, where the browser would drop it on the document.
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
    const hold = (event: FocusEvent): void => {
      held = event.target;
    };
    const taken = new MutationObserver(() => {
      const { activeElement: active, body } = document;
      const gone = held instanceof Element && (!held.isConnected || held.matches(':disabled'));
      if (gone && (active === held || active === body)) page.focus({ preventScroll: true });
    });
    page.addEventListener('focusin', hold);
    taken.observe(page, { childList: true, subtree: true, attributeFilter: ['disabled'] });
    return () => {
      page.removeEventListener('focusin', hold);
      taken.disconnect();
    };
  }, []);

  return main;
}
