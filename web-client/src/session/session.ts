/**
 * Who is here. The access token lives in this module's memory and nowhere else; the refresh token lives in a cookie
 * that no script can read. What is stored is a mark, a random word per session: it says that a cookie may exist, so
 * that a stranger's visit asks for no session, and by it every tab notices that the session is no longer the one it
 * knows.
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

const MARK = 'stoa.signed-in';
const LOCK = 'stoa.refresh';
const EARLY_MS = 20_000;

const unknown: Session = { kind: 'unknown' };
const stranger: Session = { kind: 'stranger', expired: false };
const expired: Session = { kind: 'stranger', expired: true };
const listeners = new Set<(left: boolean) => void>();
/** The mark of the session that this tab knows. */
let known = readMark();
let session: Session = known === null ? stranger : unknown;
let visit = 0;
let access: Access | undefined;
let ready: Promise<unknown> = Promise.resolve();
let refreshing: Promise<boolean> | undefined;
let transport: Transport;

/** Opens the session of an earlier visit, if there may be one, and follows what other tabs make of it. */
export function openSession(plain: Transport): void {
  transport = plain;
  void sessionKnown();
  addEventListener('online', () => void sessionKnown());
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
  become(mark === null ? stranger : unknown);
  ready = Promise.resolve(refreshing).then(() => (session.kind === 'unknown' ? refresh() : undefined));
}

/** The token to send, renewed shortly before it expires. */
export async function accessToken(): Promise<string | undefined> {
  await ready;
  if (access && access.expiresAt - EARLY_MS < Date.now()) await refresh();
  return access?.token;
}

/** Exchanges the cookie for a new token, one tab at a time; false if nobody is signed in. */
export function refresh(): Promise<boolean> {
  refreshing ??= underLock(LOCK, exchange).finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

async function exchange(): Promise<boolean> {
  const asked = known;
  try {
    const { tokens } = await auth().refresh({});
    // Another session began meanwhile: this answer is about one that is over.
    if (asked !== known) return false;
    accept(tokens);
    return true;
  } catch (error) {
    // Only a clear no ends a session; a shop that is out of reach has not said anything.
    if (ConnectError.from(error).code === Code.Unauthenticated && asked === known) end(expired);
    return false;
  }
}

export async function signIn(email: string, password: string): Promise<void> {
  await enter(await auth().signIn({ email, password, useCookie: true }));
}

export async function signUp(name: string, email: string, password: string): Promise<void> {
  await enter(await auth().signUp({ name, email, password, useCookie: true }));
}

/**
 * Ends this session: this browser forgets it even if the shop is out of reach. Or ends every session of this person,
 * which only the shop can do: if it cannot be told, this throws and everybody stays.
 */
export async function signOut(allSessions = false): Promise<void> {
  try {
    const headers = { authorization: `Bearer ${await accessToken()}` };
    await auth().signOut({ allSessions }, { headers });
  } catch (error) {
    if (allSessions) throw error;
  }
  end(stranger);
}

export function useSession(): Session {
  return useSyncExternalStore(onSession, currentSession);
}

export const currentSession = (): Session => session;

/** How many persons have left this tab. What is mounted under another number belongs to one of them. */
export function useVisit(): number {
  return useSyncExternalStore(onSession, () => visit);
}

/** Calls `listener` whenever somebody comes or goes; `left` if a person was here and no longer is. */
export function onSession(listener: (left: boolean) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const auth = () => createClient(AuthService, transport);

async function enter({ tokens }: SignInResponse | SignUpResponse): Promise<void> {
  accept(tokens);
  writeMark(randomId());
  // Over plain http some browsers refuse the cookie, even on this machine: ask once, and say so if it is true.
  if (location.protocol === 'http:' && isSafari() && !(await exchangeQuietly()) && session.kind === 'person') {
    writeMark(null);
    become({ ...session, endsWithTab: true }, access);
  }
}

async function exchangeQuietly(): Promise<boolean> {
  try {
    accept((await auth().refresh({})).tokens);
    return true;
  } catch {
    return false;
  }
}

const isSafari = (): boolean => /^((?!chrome|android).)*safari/i.test(navigator.userAgent);

function accept(tokens: RefreshResponse['tokens']): void {
  if (!tokens) throw new ConnectError('the answer has no token', Code.Internal);
  const next = { token: tokens.accessToken, expiresAt: Date.now() + tokens.expiresIn * 1000 };
  const id = subject(tokens.accessToken);
  if (session.kind === 'person' && session.id === id) access = next;
  else become({ kind: 'person', id, endsWithTab: false }, next);
}

function end(next: Session): void {
  // A mark that is not ours is of a session that began meanwhile, in another tab.
  if (readMark() === known) writeMark(null);
  become(next);
}

function become(next: Session, token?: Access): void {
  access = token;
  const before = session;
  if (next === before) return;
  session = next;
  const left = before.kind === 'person' && (next.kind !== 'person' || next.id !== before.id);
  if (left) visit += 1;
  for (const listener of listeners) listener(left);
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

/** The `sub` of a token. It is only shown and sent back; the server is the one who checks it. */
function subject(token: string): string {
  const payload = token.split('.')[1] ?? '';
  const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
  const claims = JSON.parse(new TextDecoder().decode(bytes)) as { sub?: string };
  if (!claims.sub) throw new ConnectError('the token names nobody', Code.Internal);
  return claims.sub;
}
