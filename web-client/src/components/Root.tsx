import { Outlet, useLocation } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { Footer } from './Footer';
import { Header } from './Header';
import { OfflineStrip } from './OfflineStrip';
import { PendingPayment } from './PendingPayment';

/** What every page stands in. */
export function Root() {
  const main = useFocusAfterNavigation();
  return (
    <div className="flex min-h-dvh flex-col">
      <Header />
      <OfflineStrip />
      <PendingPayment />
      <main id="main" ref={main} tabIndex={-1} className="min-h-[calc(100dvh-3.75rem)] flex-1 outline-none">
        <Outlet />
      </main>
      <Footer />
    </div>
  );
}

/** A new page is where reading goes on, so the focus goes there too, unless somebody is typing in the search. */
function useFocusAfterNavigation() {
  const main = useRef<HTMLElement>(null);
  const path = useLocation({ select: ({ pathname }) => pathname });
  const shown = useRef(path);
  useEffect(() => {
    if (path === shown.current) return;
    shown.current = path;
    if (document.activeElement?.tagName !== 'INPUT') main.current?.focus({ preventScroll: true });
  }, [path]);
  return main;
}
