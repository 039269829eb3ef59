import { describe, expect, it } from 'vitest';
import { outcomeWords, stepWords } from './step-words';

/** What `services/order/src/saga/step.rs` names. */
const NAMED = [
  'reserve-inventory',
  'process-payment',
  'commit-inventory',
  'confirm-order',
  'release-inventory',
  'refund-payment',
];

describe('a step', () => {
  it('has plain words for every name', () => {
    for (const step of NAMED) expect(stepWords({ step, attempt: 1 })).not.toMatch(/inventory|process|commit|-/);
  });

  it('counts its tries', () => {
    expect(stepWords({ step: 'process-payment', attempt: 3 })).toBe('Take the payment, try 3');
  });

  it('that nobody has words for keeps its name', () => {
    expect(stepWords({ step: 'wrap_gift', attempt: 1 })).toBe('wrap gift');
  });
});

describe('an outcome', () => {
  it('says what came of it and how long it took', () => {
    expect(outcomeWords({ outcome: 'done', durationMs: 12n })).toBe('Done in 12 ms');
    expect(outcomeWords({ outcome: 'done', durationMs: 0n })).toBe('Done');
    expect(outcomeWords({ outcome: 'deadline_exceeded', durationMs: 2500n })).toBe('No answer in time after 2.5 s');
    expect(outcomeWords({ outcome: 'refused', durationMs: 3n })).toBe('Refused after 3 ms');
  });

  it('shows no code', () => {
    expect(outcomeWords({ outcome: 'resource_exhausted', durationMs: 5n })).toBe('Did not work this time after 5 ms');
  });
});
