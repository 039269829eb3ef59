/** The one transport of the shop: identity, one silent refresh, a deadline per call, a number to quote per error. */
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { QueryClient } from '@tanstack/react-query';
import { CORRELATION_HEADER, numberOfCall } from '~/errors/quote';
import { accessToken, currentSession, refresh } from '~/session/session';

const DEADLINE_MS = 10_000;

/** Gives each call a number, and each error the number it is logged under. */
const withCorrelation: Interceptor = (next) => async (request) => {
  const id = numberOfCall();
  request.header.set(CORRELATION_HEADER, id);
  try {
    return await next(request);
  } catch (thrown) {
    const error = asConnectError(thrown);
    if (!error.metadata.get(CORRELATION_HEADER)) error.metadata.set(CORRELATION_HEADER, id);
    throw error;
  }
};

/** A browser reports a lost connection as a TypeError, which is no fault of the shop's code. */
function asConnectError(thrown: unknown): ConnectError {
  const error = ConnectError.from(thrown, Code.Unavailable);
  const lost = thrown instanceof TypeError || error.cause instanceof TypeError;
  return lost ? new ConnectError(error.rawMessage, Code.Unavailable, undefined, undefined, error.cause) : error;
}

/** The session may be good; only nobody could be asked. */
const outOfReach = (): ConnectError => new ConnectError('the session could not be renewed', Code.Unavailable);

/** Sends the token; if it is refused, renews it once and asks again. */
const withIdentity: Interceptor = (next) => async (request) => {
  const token = await accessToken();
  if (token) request.header.set('authorization', `Bearer ${token}`);
  try {
    return await next(request);
  } catch (thrown) {
    const refused = ConnectError.from(thrown).code === Code.Unauthenticated;
    if (!refused || !token || request.stream) throw thrown;
    if (!(await refresh())) throw currentSession().kind === 'person' ? outOfReach() : thrown;
    request.header.set('authorization', `Bearer ${await accessToken()}`);
    return next(request);
  }
};

/** Without identity: for the calls that make one. */
export const plainTransport = createConnectTransport({
  baseUrl: '/',
  defaultTimeoutMs: DEADLINE_MS,
  interceptors: [withCorrelation],
});

export const transport = createConnectTransport({
  baseUrl: '/',
  defaultTimeoutMs: DEADLINE_MS,
  interceptors: [withIdentity, withCorrelation],
});

/** How often a page asks again by itself: a moment of bad network or of a restarting service, or one that was slow. */
const RETRIES: Partial<Record<Code, number>> = { [Code.Unavailable]: 2, [Code.Aborted]: 2, [Code.DeadlineExceeded]: 1 };
const retriesOf = (error: Error): number => RETRIES[ConnectError.from(error).code] ?? 0;

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      gcTime: 10 * 60_000,
      networkMode: 'always',
      refetchOnReconnect: true,
      retry: (failures, error) => failures < retriesOf(error),
      retryDelay: (attempt) => 300 * 2 ** attempt * (0.8 + Math.random() * 0.4),
    },
  },
});
