/**
 * Who is here. The access token lives in this module's memory and nowhere else; the refresh token lives in a cookie
 * that no script can read. What is stored is one word that says a cookie may exist, so that a stranger's visit asks
 * for no session.
 */

import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { useSyncExternalStore } from 'react';
import {
  AuthService,
  type RefreshResponse,
  type SignInResponse,
  type SignUpResponse,
} from '~/gen/stoa/user/v1/user_pb';

export type Session =
  | { readonly kind: 'stranger' }
  | { readonly kind: 'person'; readonly id: string; readonly endsWithTab: boolean };

interface Access {
  token: string;
  expiresAt: number;
}

const MAYBE = 'stoa.signed-in';
const LOCK = 'stoa.refresh';
const EARLY_MS = 20_000;

const stranger: Session = { kind: 'stranger' };
const listeners = new Set<() => void>();
let session: Session = stranger;
let access: Access | undefined;
let refreshing: Promise<boolean> | undefined;
let transport: Transport;

/** Opens the session of an earlier visit, if there may be one; pages wait for it. */
export function openSession(plain: Transport): Promise<unknown> {
  transport = plain;
  addEventListener('storage', (event) => {
    if (event.key !== MAYBE && event.key !== null) return;
    if (event.newValue === null) become(stranger);
    else if (session.kind === 'stranger') void refresh();
  });
  ready = maybeSignedIn() ? refresh() : Promise.resolve();
  return ready;
}

let ready: Promise<unknown> = Promise.resolve();

/** Resolves when it is known who is here, or when nobody can be asked; then the next page asks again. */
export function sessionKnown(): Promise<unknown> {
  if (isDoubtful() && !refreshing) ready = ready.then(() => (isDoubtful() ? refresh() : undefined));
  return ready;
}

/** Somebody may be signed in, and the shop could not be asked: no stranger, and nobody known. */
export const isDoubtful = (): boolean => session.kind === 'stranger' && maybeSignedIn();

/** The token to send, renewed shortly before it expires. */
export async function accessToken(): Promise<string | undefined> {
  await ready;
  if (access && access.expiresAt - EARLY_MS < Date.now()) await refresh();
  return access?.token;
}

/** Exchanges the cookie for a new token, one tab at a time; false if nobody is signed in. */
export function refresh(): Promise<boolean> {
  refreshing ??= underLock(exchange).finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

async function exchange(): Promise<boolean> {
  try {
    accept((await auth().refresh({})).tokens);
    return true;
  } catch (error) {
    // Only a clear no ends a session; a shop that is out of reach has not said anything.
    if (ConnectError.from(error).code === Code.Unauthenticated) become(stranger);
    return false;
  }
}

export async function signIn(email: string, password: string): Promise<void> {
  await enter(await auth().signIn({ email, password, useCookie: true }));
}

export async function signUp(name: string, email: string, password: string): Promise<void> {
  await enter(await auth().signUp({ name, email, password, useCookie: true }));
}

/** Ends this session, or every session of this person. The browser forgets it even if the server is out of reach. */
export async function signOut(allSessions = false): Promise<void> {
  const headers = { authorization: `Bearer ${await accessToken()}` };
  try {
    await auth().signOut({ allSessions }, { headers });
  } finally {
    become(stranger);
  }
}

export function useSession(): Session {
  return useSyncExternalStore(onSession, currentSession);
}

export const currentSession = (): Session => session;

/** Calls `listener` whenever somebody comes or goes. */
export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const auth = () => createClient(AuthService, transport);

async function enter(answer: SignInResponse | SignUpResponse): Promise<void> {
  accept(answer.tokens);
  remember(true);
  // Over plain http some browsers refuse the cookie, even on this machine: ask once, and say so if it is true.
  if (location.protocol === 'http:' && isSafari() && !(await exchangeQuietly()) && session.kind === 'person') {
    remember(false);
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

function become(next: Session, token?: Access): void {
  access = token;
  if (next.kind === 'stranger') remember(false);
  if (next.kind === 'stranger' && session.kind === 'stranger') return;
  session = next;
  for (const listener of listeners) listener();
}

function remember(signedIn: boolean): void {
  try {
    if (signedIn) localStorage.setItem(MAYBE, 'maybe');
    else localStorage.removeItem(MAYBE);
  } catch {
    // Without storage the next visit begins as a stranger.
  }
}

function maybeSignedIn(): boolean {
  try {
    return localStorage.getItem(MAYBE) !== null;
  } catch {
    return false;
  }
}

function underLock<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks ? (navigator.locks.request(LOCK, work) as Promise<T>) : work();
}

/** The `sub` of a token. It is only shown and sent back; the server is the one who checks it. */
export function subject(token: string): string {
  const payload = token.split('.')[1] ?? '';
  const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
  const claims = JSON.parse(new TextDecoder().decode(bytes)) as { sub?: string };
  if (!claims.sub) throw new ConnectError('the token names nobody', Code.Internal);
  return claims.sub;
}
