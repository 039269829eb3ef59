import type { TimelineEntry } from '~/gen/stoa/order/v1/types_pb';
import { outcomeWords, stepWords } from '~/orders/step-words';
import { formatClock } from '~/when';

/** Behind the scenes: every step the order took, for those who want to look, and the id to quote. */
export function Steps({ orderId, entries }: { orderId: string; entries: readonly TimelineEntry[] }) {
  const steps = entries.filter((entry) => entry.kind !== 'status');
  if (steps.length === 0) return null;
  return (
    <details className="print:hidden mt-8 rounded-card border border-line px-5">
      <summary className="min-h-11 cursor-pointer py-2.5">
        Behind the scenes, {steps.length === 1 ? 'one step' : `${steps.length} steps`}
      </summary>
      <ol className="text-note">
        {steps.map((entry, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: history only grows at its end
          <li key={i} className="flex flex-wrap items-baseline gap-x-4 border-line border-t py-2">
            <time className="text-muted tabular-nums">{formatClock(entry.at)}</time>
            <span>{stepWords(entry)}</span>
            <span className="ml-auto text-muted">{outcomeWords(entry)}</span>
          </li>
        ))}
      </ol>
      <p className="border-line border-t py-3 text-muted text-note">
        The whole number of this order: <code className="break-all">{orderId}</code>
      </p>
    </details>
  );
}
