import { Outlet } from '@tanstack/react-router';
import { Footer } from './Footer';
import { Header } from './Header';
import { OfflineStrip } from './OfflineStrip';
import { PendingPayment } from './PendingPayment';

/** What every page stands in. */
export function Root() {
  return (
    <div className="flex min-h-dvh flex-col">
      <Header />
      <OfflineStrip />
      <PendingPayment />
      <main id="main" className="min-h-[80vh] flex-1">
        <Outlet />
      </main>
      <Footer />
    </div>
  );
}
