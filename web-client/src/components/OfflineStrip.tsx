import { WifiOff } from 'lucide-react';
import { useOnline } from '~/stores/online';

/** Says that there is no network, and that nothing is lost by it. */
export function OfflineStrip() {
  if (useOnline()) return null;
  return (
    <p role="status" className="flex items-center justify-center gap-2 bg-warn-soft px-4 py-2 text-note text-warn">
      <WifiOff size={16} className="shrink-0" aria-hidden="true" /> You are offline. Your cart is safe in this browser;
      pages come back with the network.
    </p>
  );
}
