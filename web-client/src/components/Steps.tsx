import type { TimelineEntry } from '~/gen/stoa/order/v1/types_pb';
import { formatClock } from '~/when';

const words = (name: string): string => name.replaceAll('_', ' ').toLowerCase();

/** Behind the scenes: every step the order took, for those who want to look. */
export function Steps({ entries }: { entries: readonly TimelineEntry[] }) {
  const steps = entries.filter((entry) => entry.kind !== 'status');
  if (steps.length === 0) return null;
  return (
    <details className="mt-8 rounded-card border border-line px-5">
      <summary className="min-h-11 cursor-pointer py-2.5">Behind the scenes, {steps.length} steps</summary>
      <ol className="pb-4 text-note">
        {steps.map((entry, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: history only grows at its end
          <li key={i} className="flex flex-wrap items-baseline gap-x-4 border-line border-t py-2">
            <time className="text-muted tabular-nums">{formatClock(entry.at)}</time>
            <span className="first-letter:uppercase">
              {entry.kind === 'undo' ? 'undo ' : ''}
              {words(entry.step)}
              {entry.attempt > 1 ? `, try ${entry.attempt}` : ''}
            </span>
            <span className="ml-auto text-muted">
              {words(entry.outcome)}
              {entry.durationMs > 0n ? ` in ${entry.durationMs} ms` : ''}
            </span>
          </li>
        ))}
      </ol>
    </details>
  );
}
