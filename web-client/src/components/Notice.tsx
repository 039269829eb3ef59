import type { ReactNode } from 'react';
import { look } from './look';

const TONES = {
  info: 'bg-accent-soft text-ink',
  good: 'bg-good-soft text-good',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
};

/** A quiet strip that says one thing. */
export function Notice({
  tone = 'info',
  live = false,
  children,
}: {
  tone?: keyof typeof TONES;
  live?: boolean;
  children: ReactNode;
}) {
  return (
    <div role={live ? 'status' : undefined} className={look('rounded-control px-4 py-3 text-note', TONES[tone])}>
      {children}
    </div>
  );
}

/** What a list says whose rest was asked for and did not come. */
export function RestMissing() {
  return (
    <div className="mt-8">
      <Notice tone="warn" live>
        The rest did not come; the shop did not answer just now. Press the button to ask again.
      </Notice>
    </div>
  );
}

/** What is shown although it could not be asked for again. */
export function Stale({ what }: { what: 'list' | 'page' }) {
  return (
    <div className="my-6">
      <Notice tone="warn" live>
        This {what} is from a moment ago; the shop did not answer just now.
      </Notice>
    </div>
  );
}

const PARTS: Record<string, string> = {
  recommendation: 'Suggestions are resting',
  user: 'Your name is missing',
  order: 'Your recent orders are not here',
  payment: 'Payment details will follow',
  pricing: 'Some prices are missing',
  inventory: 'Stock is not known',
  catalog: 'Some names are missing',
};

/** The quiet note about parts of a page that could not be had. */
export function Degraded({ parts }: { parts: readonly string[] }) {
  const known = [...new Set(parts)].map((part) => PARTS[part]).filter(Boolean);
  if (known.length === 0) return null;
  return (
    <p className="mt-6 text-muted text-note" role="status">
      {known.join('. ')} for the moment; everything else works.
    </p>
  );
}
