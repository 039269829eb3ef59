/** The steps of a checkout and what came of them, in the words of somebody who buys. */
import type { TimelineEntry } from '~/gen/stoa/order/v1/types_pb';

const STEPS: Record<string, string> = {
  'reserve-inventory': 'Set your things aside',
  'process-payment': 'Take the payment',
  'commit-inventory': 'Take your things off the shelf',
  'confirm-order': 'Confirm the order',
  'release-inventory': 'Put your things back on the shelf',
  'refund-payment': 'Give the money back, or stop the charge',
};

const OUTCOMES: Record<string, string> = {
  done: 'Done',
  refused: 'Refused',
  unavailable: 'Nobody answered',
  deadline_exceeded: 'No answer in time',
};

const seconds = new Intl.NumberFormat('en-IE', { maximumFractionDigits: 1 });

/** "Take the payment, try 3" is what it does; a step this page does not know keeps its name. */
export function stepWords({ step, attempt }: Pick<TimelineEntry, 'step' | 'attempt'>): string {
  const name = STEPS[step] ?? step.replaceAll(/[-_]/g, ' ');
  return attempt > 1 ? `${name}, try ${attempt}` : name;
}

/** "Done in 400 ms". What is neither done nor refused failed on the way, and is tried again. */
export function outcomeWords({ outcome, durationMs }: Pick<TimelineEntry, 'outcome' | 'durationMs'>): string {
  const words = OUTCOMES[outcome] ?? 'Did not work this time';
  if (durationMs <= 0n) return words;
  const took = durationMs < 1000n ? `${durationMs} ms` : `${seconds.format(Number(durationMs) / 1000)} s`;
  return outcome === 'done' ? `${words} in ${took}` : `${words} after ${took}`;
}
