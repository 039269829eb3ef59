/**
 * Who is here. The access token lives in this module's memory and nowhere else; the refresh token lives in a cookie
 * that no script can read. What is stored is a mark, a random word per session: it says that a cookie may exist, so
 * that a stranger's visit asks for no session, and by it every tab notices that the session is no longer the one it
 * knows. Whatever changes the cookie does so under one lock, so that no answer overwrites what came after its question.
 */

import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { useSyncExternalStore } from 'react';
import {
  AuthService,
  type RefreshResponse,
  type SignInResponse,
  type SignUpResponse,
} from '~/gen/stoa/user/v1/user_pb';
import { underLock } from '~/locks';
import { randomId } from '~/random';

export type Session =
  /** There is a mark, and the shop has not said whose it is: it was not asked yet, or is out of reach. */
  | { readonly kind: 'unknown' }
  /** `expired`: somebody was here, and it was the shop that ended it. */
  | { readonly kind: 'stranger'; readonly expired: boolean }
  | { readonly kind: 'person'; readonly id: string; readonly endsWithTab: boolean };

interface Access {
  token: string;
  expiresAt: number;
}

/** What to tell a person whose session `endsWithTab`. */
export const ENDS_WITH_TAB =
  'Your browser does not keep you signed in here: closing or reloading this tab signs you out.';

/** What the shop said when it was asked for the next token. */
type Renewal = 'renewed' | 'refused' | 'unanswered';

const MARK = 'stoa.signed-in';
/** In the mark's place: who was here has left, and the shop, whose cookie is still good, has not heard of it. */
const LEAVING = 'leaving';
const LOCK = 'stoa.refresh';
const EARLY_MS = 20_000;

const unknown: Session = { kind: 'unknown' };
const stranger: Session = { kind: 'stranger', expired: false };
const expired: Session = { kind: 'stranger', expired: true };
const listeners = new Set<(left: string | undefined) => void>();
/** The mark of the session that this tab knows. */
let known = readMark();
let session: Session = markedBy(known);
let visit = 0;
let access: Access | undefined;
let ready: Promise<unknown> = Promise.resolve();
let refreshing: Promise<boolean> | undefined;
let transport: Transport;

/** Opens the session of an earlier visit, if there may be one, and follows what other tabs make of it. */
export function openSession(plain: Transport): void {
  transport = plain;
  begin();
  // A question that is under way was asked of a network that was not there.
  addEventListener('online', () => void Promise.resolve(refreshing).then(begin, begin));
  addEventListener('storage', ({ key }) => {
    if (key === MARK || key === null) catchUp();
  });
  // A tab that sleeps hears of nothing: it looks for itself when it is woken.
  document.addEventListener('visibilitychange', catchUp);
  document.addEventListener('resume', catchUp);
  // A page in the back-forward cache is shown again as it was left. Nothing of a person is visible in it until it is
  // clear that the session is still theirs.
  addEventListener('pagehide', () => show(session.kind !== 'person'));
  addEventListener('pageshow', () => {
    catchUp();
    show(true);
  });
}

/** Whoever left unheard is signed out before anything else is asked about a session. */
function begin(): void {
  if (readMark() === LEAVING) void underLock(LOCK, leave);
  void sessionKnown();
}

function show(visible: boolean): void {
  document.documentElement.style.visibility = visible ? '' : 'hidden';
}

/** Resolves when it is known who is here, or when nobody can be asked; then the next page asks again. */
export function sessionKnown(): Promise<unknown> {
  if (session.kind === 'unknown' && !refreshing) ready = refresh();
  return ready;
}

/** Another tab may have ended the session, or begun one. */
function catchUp(): void {
  const mark = readMark();
  // A session that ends with its tab is no other tab's affair.
  if (mark === known || (session.kind === 'person' && session.endsWithTab)) return;
  known = mark;
  become(markedBy(mark));
  ready = Promise.resolve(refreshing).then(() => (session.kind === 'unknown' ? refresh() : undefined));
}

/** The token to send, renewed shortly before it expires. */
export async function accessToken(): Promise<string | undefined> {
  await ready;
  if (access && isStale(access)) await refresh();
  return access?.token;
}

const isStale = ({ expiresAt }: Access): boolean => expiresAt - EARLY_MS < Date.now();

/** Exchanges the cookie for a new token, one tab at a time; false if nobody is signed in. */
export function refresh(): Promise<boolean> {
  refreshing ??= underLock(LOCK, renew).finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

async function renew(): Promise<boolean> {
  // Who held the lock before may have ended the session, or begun one.
  catchUp();
  if (session.kind === 'stranger') return false;
  const renewal = await exchange();
  if (renewal === 'refused') end(expired);
  return renewal === 'renewed';
}

/** To be called under the lock. Only a clear no is a refusal; a shop that is out of reach has not said anything. */
async function exchange(): Promise<Renewal> {
  const asked = known;
  try {
    const { tokens } = await auth().refresh({});
    // Another session began meanwhile, which only happens where there are no locks: this is about one that is over.
    if (asked !== known) return 'unanswered';
    accept(tokens);
    return 'renewed';
  } catch (error) {
    return isRefusal(error) && asked === known ? 'refused' : 'unanswered';
  }
}

const isRefusal = (error: unknown): boolean => ConnectError.from(error).code === Code.Unauthenticated;

export function signIn(email: string, password: string): Promise<void> {
  return enter(() => auth().signIn({ email, password, useCookie: true }));
}

export function signUp(name: string, email: string, password: string): Promise<void> {
  return enter(() => auth().signUp({ name, email, password, useCookie: true }));
}

/** Has a letter sent with a link to the page that sets a new password; nobody is told whether there is an account. */
export async function requestPasswordReset(email: string): Promise<void> {
  await auth().requestPasswordReset({ email });
}

/** Sets a new password by the token of a letter. That ends all sessions, also one that somebody has in this browser. */
export async function resetPassword(token: string, password: string): Promise<void> {
  await auth().resetPassword({ token, password, useCookie: true });
  if (session.kind !== 'stranger') await refresh();
}

/**
 * Ends this session. If the shop is out of reach this browser forgets it at once, and tells the shop as soon as it can.
 * Or ends every session of this person, which only the shop can do: if it cannot be told, this throws and everybody
 * stays; if this session is over already, it ends as one that the shop has ended, and the others stay.
 */
export function signOut(allSessions = false): Promise<void> {
  const asked = known;
  return underLock(LOCK, async () => {
    catchUp();
    // Whoever pressed the button has left already, and another person may have come.
    if (asked !== known) return;
    if ((!access || isStale(access)) && (await exchange()) === 'refused') return end(allSessions ? expired : stranger);
    let heard = false;
    try {
      await auth().signOut({ allSessions }, bearing(access?.token));
      heard = true;
    } catch (error) {
      // By a token that is good a session may be over: then it is for nobody here to end the others.
      if (allSessions && isRefusal(error) && (await exchange()) === 'refused') return end(expired);
      if (allSessions) throw error;
    }
    if (asked === known) end(stranger, heard ? null : LEAVING);
  });
}

/** Tells the shop of somebody who left unheard; what cannot be told now stays to be told. Called under the lock. */
async function leave(): Promise<void> {
  if (readMark() !== LEAVING) return;
  try {
    const { tokens } = await auth().refresh({});
    await auth().signOut({}, bearing(tokens?.accessToken));
  } catch (error) {
    // What the shop does not renew is over.
    if (!isRefusal(error)) return;
  }
  if (readMark() === LEAVING) writeMark(null);
}

const bearing = (token: string | undefined) => ({ headers: { authorization: `Bearer ${token}` } });

export function useSession(): Session {
  return useSyncExternalStore(onSession, currentSession);
}

export const currentSession = (): Session => session;

/** How many persons have left this tab. What is mounted under another number belongs to one of them. */
export function useVisit(): number {
  return useSyncExternalStore(onSession, () => visit);
}

/** Calls `listener` whenever somebody comes or goes; `left` is the id of a person who was here and no longer is. */
export function onSession(listener: (left: string | undefined) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const auth = () => createClient(AuthService, transport);

function enter(ask: () => Promise<SignInResponse | SignUpResponse>): Promise<void> {
  return underLock(LOCK, async () => {
    await leave();
    accept((await ask()).tokens);
    writeMark(randomId());
    // Without a mark the next visit does not know that there is a session.
    if (readMark() === null) return endWithTab();
    // Over plain http some browsers refuse the cookie, even on this machine: ask once, and say so if it is true.
    if (location.protocol !== 'http:' || !isSafari() || (await exchange()) !== 'refused') return;
    writeMark(null);
    endWithTab();
  });
}

function endWithTab(): void {
  if (session.kind === 'person') become({ ...session, endsWithTab: true }, access);
}

const isSafari = (): boolean => /^((?!chrome|android).)*safari/i.test(navigator.userAgent);

function accept(tokens: RefreshResponse['tokens']): void {
  if (!tokens) throw new ConnectError('the answer has no token', Code.Internal);
  const next = { token: tokens.accessToken, expiresAt: Date.now() + tokens.expiresIn * 1000 };
  const id = bearer(tokens.accessToken);
  if (session.kind === 'person' && session.id === id) access = next;
  else become({ kind: 'person', id, endsWithTab: false }, next);
}

function end(next: Session, mark: string | null = null): void {
  // A mark that is not ours is of a session that began meanwhile, in another tab.
  if (readMark() === known) writeMark(mark);
  become(next);
}

function become(next: Session, token?: Access): void {
  access = token;
  const before = session;
  if (next === before) return;
  session = next;
  const left = before.kind === 'person' && (next.kind !== 'person' || next.id !== before.id) ? before.id : undefined;
  if (left !== undefined) visit += 1;
  for (const listener of listeners) listener(left);
}

/** What can be said of who is here by the mark alone. */
function markedBy(mark: string | null): Session {
  return mark === null || mark === LEAVING ? stranger : unknown;
}

function readMark(): string | null {
  try {
    return localStorage.getItem(MARK);
  } catch {
    return null;
  }
}

function writeMark(mark: string | null): void {
  try {
    if (mark === null) localStorage.removeItem(MARK);
    else localStorage.setItem(MARK, mark);
  } catch {
    // Without storage the next visit begins as a stranger.
  }
  known = readMark();
}

/** Whose a token is. It is only shown and sent back; the server is the one who checks it. */
function bearer(token: string): string {
  const payload = token.split('.')[1] ?? '';
  const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
  const claims = JSON.parse(new TextDecoder().decode(bytes)) as { sub?: string };
  if (!claims.sub) throw new ConnectError('the token names nobody', Code.Internal);
  return claims.sub;
}
