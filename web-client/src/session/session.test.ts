import { Code, ConnectError, createRouterTransport, type Transport } from '@connectrpc/connect';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AuthService } from '~/gen/stoa/user/v1/user_pb';

/** A browser's locks: one holder at a time, in the order of asking. */
function locks() {
  let last: Promise<unknown> = Promise.resolve();
  return {
    request<T>(_name: string, work: () => Promise<T>): Promise<T> {
      const turn = last.then(work);
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

const CHROMIUM = 'Mozilla/5.0 Chrome/140 Safari/537';
const SAFARI = 'Mozilla/5.0 Version/18 Safari/605';
const MARK = 'stoa.signed-in';

let stored: Map<string, string>;
let browser: EventTarget;
/** What the shop was asked, in its order. */
let asked: string[];
/** What it answers instead of doing it. */
let answers: Partial<Record<string, () => unknown>>;

beforeEach(() => {
  stored = new Map();
  browser = new EventTarget();
  asked = [];
  answers = {};
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  });
  vi.stubGlobal('addEventListener', browser.addEventListener.bind(browser));
  vi.stubGlobal('document', Object.assign(new EventTarget(), { documentElement: { style: {} } }));
  vi.stubGlobal('location', { protocol: 'http:' });
  vi.stubGlobal('navigator', { userAgent: CHROMIUM, locks: locks() });
});

afterEach(() => vi.unstubAllGlobals());

const payload = (id: string) => btoa(JSON.stringify({ sub: id }));
const tokensOf = (id: string) => ({ tokens: { accessToken: `x.${payload(id)}.y`, expiresIn: 900 } });
const no = (code: Code) => () => {
  throw new ConnectError('no', code);
};

function shop(): Transport {
  const answer = async <T>(name: string, usual: T): Promise<T> => {
    asked.push(name);
    const instead = answers[name];
    return instead ? ((await instead()) as T) : usual;
  };
  return createRouterTransport(({ service }) =>
    service(AuthService, {
      signIn: () => answer('SignIn', tokensOf('somebody')),
      refresh: () => answer('Refresh', tokensOf('somebody')),
      signOut: () => answer('SignOut', {}),
    }),
  );
}

/** A tab that is opened now. */
async function tab() {
  vi.resetModules();
  const session = await import('./session');
  session.openSession(shop());
  await session.sessionKnown();
  return session;
}

it('asks nothing for a stranger, and knows who comes back', async () => {
  expect((await tab()).currentSession().kind).toBe('stranger');
  expect(asked).toEqual([]);
  stored.set(MARK, 'one');
  expect((await tab()).currentSession()).toMatchObject({ kind: 'person', id: 'somebody' });
});

it('signs nobody in while an answer about the session before is on its way', async () => {
  const here = await tab();
  let answer = (): void => undefined;
  answers.Refresh = () =>
    new Promise((_, refuse) => {
      answer = () => refuse(new ConnectError('over', Code.Unauthenticated));
    });
  // Another tab's mark, of a session that is over.
  stored.set(MARK, 'of another tab');
  browser.dispatchEvent(Object.assign(new Event('storage'), { key: MARK }));
  await vi.waitFor(() => expect(asked).toEqual(['Refresh']));
  const entered = here.signIn('a@example.com', 'a short sentence');
  await new Promise((later) => setTimeout(later));
  expect(asked).toEqual(['Refresh']);
  answer();
  await entered;
  expect(asked).toEqual(['Refresh', 'SignIn']);
  expect(here.currentSession()).toMatchObject({ kind: 'person', id: 'somebody' });
});

it('signs out whoever pressed, and nobody who came since', async () => {
  const here = await tab();
  await here.signIn('a@example.com', 'a short sentence');
  const holding = navigator.locks.request('stoa.refresh', async () => {
    // In another tab the session ended and another person's began; this tab has not heard of it.
    stored.set(MARK, 'of another person');
  });
  await Promise.all([holding, here.signOut()]);
  expect(asked).not.toContain('SignOut');
  expect(stored.get(MARK)).toBe('of another person');
});

it('tells the shop at the next start of whoever left while it was out of reach', async () => {
  const here = await tab();
  await here.signIn('a@example.com', 'a short sentence');
  answers.SignOut = no(Code.Unavailable);
  await here.signOut();
  expect(here.currentSession().kind).toBe('stranger');

  answers.Refresh = no(Code.Unavailable);
  asked.length = 0;
  expect((await tab()).currentSession().kind).toBe('stranger');
  await vi.waitFor(() => expect(asked).toEqual(['Refresh']));

  answers = {};
  asked.length = 0;
  expect((await tab()).currentSession().kind).toBe('stranger');
  await vi.waitFor(() => expect(asked).toEqual(['Refresh', 'SignOut']));
  await vi.waitFor(() => expect(stored.has(MARK)).toBe(false));

  asked.length = 0;
  await tab();
  expect(asked).toEqual([]);
});

it('tells it as soon as there is a network, and before anybody else signs in', async () => {
  const here = await tab();
  await here.signIn('a@example.com', 'a short sentence');
  answers.SignOut = no(Code.Unavailable);
  await here.signOut();
  answers = {};
  asked.length = 0;
  browser.dispatchEvent(new Event('online'));
  await here.signIn('b@example.com', 'a short sentence');
  expect(asked).toEqual(['Refresh', 'SignOut', 'SignIn']);
  expect(here.currentSession().kind).toBe('person');
});

it('lets everybody stay if the shop cannot be told to end every session', async () => {
  const here = await tab();
  await here.signIn('a@example.com', 'a short sentence');
  answers.SignOut = no(Code.Unavailable);
  await expect(here.signOut(true)).rejects.toMatchObject({ code: Code.Unavailable });
  expect(here.currentSession().kind).toBe('person');
});

it('calls a session ended that the shop has ended since its token was made, if the others could not be', async () => {
  const here = await tab();
  await here.signIn('a@example.com', 'a short sentence');
  answers.SignOut = no(Code.Unauthenticated);
  answers.Refresh = no(Code.Unauthenticated);
  await here.signOut(true);
  expect(here.currentSession()).toEqual({ kind: 'stranger', expired: true });
});

it.each([
  [false, { kind: 'stranger', expired: false }],
  [true, { kind: 'stranger', expired: true }],
])(
  'signs out of a session that is over already, and calls it ended if the others could not be: all %s',
  async (all, left) => {
    const here = await tab();
    answers.SignIn = () => ({ tokens: { ...tokensOf('somebody').tokens, expiresIn: 1 } });
    await here.signIn('a@example.com', 'a short sentence');
    answers.Refresh = no(Code.Unauthenticated);
    await here.signOut(all);
    expect(here.currentSession()).toEqual(left);
    expect(asked).not.toContain('SignOut');
  },
);

it('says that the session ends with the tab where its mark cannot be kept', async () => {
  const here = await tab();
  vi.stubGlobal('localStorage', {
    getItem: () => null,
    setItem: () => {
      throw new Error('full');
    },
    removeItem: () => undefined,
  });
  await here.signIn('a@example.com', 'a short sentence');
  expect(here.currentSession()).toMatchObject({ kind: 'person', endsWithTab: true });
});

it.each([
  ['a refused cookie', Code.Unauthenticated, true],
  ['a shop that does not answer', Code.Unavailable, false],
])('after signing in, %s tells whether the session ends with the tab', async (_, code, endsWithTab) => {
  vi.stubGlobal('navigator', { userAgent: SAFARI, locks: locks() });
  const here = await tab();
  answers.Refresh = no(code);
  await here.signIn('a@example.com', 'a short sentence');
  expect(here.currentSession()).toMatchObject({ kind: 'person', endsWithTab });
  expect(stored.has(MARK)).toBe(!endsWithTab);
});
