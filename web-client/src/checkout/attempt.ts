/**
 * One attempt to pay. Its idempotency key is made when the checkout first opens, or when the attempt before it is over,
 * and kept until the answer is known, in a store that survives reloads, crashes and closed tabs: whatever is sent again
 * carries the same key, and the server makes one order of it. An attempt is sent because somebody pressed a button that
 * shows what it buys, never because a page was opened.
 */
import { randomId } from '~/random';
import { type Cart, parseCart } from '~/stores/cart';
import { type Persisted, persisted } from '~/stores/persisted';

/** The server keeps its answer under a key for a day; an attempt of nearly that age must not be sent again. */
const KEY_LIFE_MS = 23 * 60 * 60 * 1000;
/** After this long nobody is waiting for the answer any more, but doing something else. */
const WAITED_FOR_MS = 5 * 60 * 1000;

export interface Attempt {
  /** The idempotency key. */
  readonly key: string;
  /** Whose it is: another person must never send it. */
  readonly customerId: string;
  /** Orders that answered this person's earlier attempts: none of them is the answer to this one, however alike. */
  readonly others: readonly string[];
  /** How it was to be paid when it was pressed and nothing was sent. */
  readonly method?: string;
  /** What was sent; absent until Pay is pressed. */
  readonly sent?: { readonly items: Cart; readonly method: string; readonly at: number };
}

/** An attempt that may have become an order. */
export type SentAttempt = Attempt & Required<Pick<Attempt, 'sent'>>;

/** At most one per person, the latest last: whoever signs in next in this browser must not erase what is unanswered. */
export type Attempts = readonly Attempt[];

/** Far more than anybody pays for in the seconds by which two clocks may differ. */
const OTHERS_MAX = 16;
/** Nobody leaves so many behind in a day; a store of this size is small whatever is in it. */
const PERSONS_MAX = 16;

/** What is stored; also a single attempt, as it was stored when there was room for one alone. */
export function parseAttempts(raw: unknown): Attempts {
  const all = (Array.isArray(raw) ? raw : [raw]).map(parseAttempt).filter((attempt) => attempt !== null);
  return all.filter(({ customerId }, i) => !all.slice(i + 1).some((later) => later.customerId === customerId));
}

/** What a header can carry, and the shop takes as a key. */
const KEY = /^[!-~]{1,128}$/;
/** The last moment that a date can name. */
const MOMENT_MAX = 8.64e15;

function parseAttempt(raw: unknown): Attempt | null {
  const { key, customerId, others: ids, method, sent } = (raw ?? {}) as Partial<Attempt>;
  if (typeof key !== 'string' || !KEY.test(key) || typeof customerId !== 'string') return null;
  const others = Array.isArray(ids) ? ids.filter((id) => typeof id === 'string').slice(-OTHERS_MAX) : [];
  if (sent === undefined) return { key, customerId, others, ...(typeof method === 'string' ? { method } : {}) };
  const items = parseCart(sent?.items);
  if (items.length === 0 || typeof sent?.method !== 'string' || !isMoment(sent.at)) return null;
  return { key, customerId, others, sent: { items, method: sent.method, at: sent.at } };
}

const isMoment = (at: unknown): at is number => Number.isInteger(at) && Math.abs(at as number) <= MOMENT_MAX;

/** This person's attempt, sent or not. */
export const attemptOf = (all: Attempts, customerId: string | undefined): Attempt | undefined =>
  all.find((attempt) => attempt.customerId === customerId);

/** The attempt to go on with: this person's own, else a new one. */
export const opened = (all: Attempts, customerId: string): Attempt =>
  attemptOf(all, customerId) ?? { key: randomId(), customerId, others: [] };

/** The attempt after one that is over, which `orderId` answered if there was an order. */
export function following({ customerId, others }: Attempt, orderId: string | undefined): Attempt {
  const known = orderId === undefined ? others : [...others, orderId].slice(-OTHERS_MAX);
  return { key: randomId(), customerId, others: known };
}

/** With `attempt` as its person's only one. Of the others stays what may have become an order within a key's life. */
export function withAttempt(all: Attempts, attempt: Attempt, now: number): Attempts {
  const others = all.filter(
    ({ customerId, sent }) => customerId !== attempt.customerId && sent !== undefined && now - sent.at < KEY_LIFE_MS,
  );
  return [...others, attempt].slice(-PERSONS_MAX);
}

/** Without the attempt of this key, whose answer is known. */
export const withoutAttempt = (all: Attempts, key: string): Attempts => all.filter((attempt) => attempt.key !== key);

/** Without what this person had not sent: nothing can come of it, and they are gone. */
export const withoutUnsent = (all: Attempts, customerId: string): Attempts =>
  all.filter((attempt) => attempt.customerId !== customerId || attempt.sent !== undefined);

/** The attempt with what is being paid for, from the moment it may reach the shop. */
export function pressed(attempt: Attempt, items: Cart, method: string, now: number): SentAttempt {
  const { key, customerId, others } = attempt;
  return { key, customerId, others, sent: { items, method, at: now } };
}

/** The attempt as before the press: nobody looked at what was sent, so nothing can have come of it. */
export function unsent({ key, customerId, others, sent }: SentAttempt): Attempt {
  return { key, customerId, others, method: sent.method };
}

/** An attempt of this person that was sent and whose answer nobody has seen. */
export function unanswered(all: Attempts, customerId: string | undefined): SentAttempt | undefined {
  const held = attemptOf(all, customerId);
  return held?.sent && { ...held, sent: held.sent };
}

/** Whether somebody may still be sitting there, waiting for the answer. */
export const isWaitedFor = (attempt: SentAttempt, now: number): boolean => isYoungerThan(WAITED_FOR_MS, attempt, now);

/** Whether the server still knows the key, so that sending it again cannot buy twice. */
export const canFinish = (attempt: SentAttempt, now: number): boolean => isYoungerThan(KEY_LIFE_MS, attempt, now);

/** What was sent in the future was sent by a clock that was wrong: nobody knows how old it is, so it counts as old. */
export const isYoungerThan = (ms: number, { sent }: SentAttempt, now: number): boolean =>
  sent.at <= now && now - sent.at < ms;

/** What the shop said to an attempt. */
export type Answer = { readonly kind: 'ordered'; readonly orderId: string } | { readonly kind: 'refused' };

const answers = new Map<string, Answer>();

/** Keeps an answer for pages that the person has gone on to meanwhile; a reload may forget it. */
export const noteAnswer = (key: string, answer: Answer): void => void answers.set(key, answer);

/** The answer to the attempt of this key, if it was this tab that got it. */
export const answerTo = (key: string): Answer | undefined => answers.get(key);

export const attempts: Persisted<Attempts> = persisted('stoa.attempt', parseAttempts);
