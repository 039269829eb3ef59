/** Pages whose code is fetched when somebody goes there, or when the browser has nothing better to do. */
import type { AsyncRouteComponent } from '@tanstack/react-router';
import { type ReactNode, use } from 'react';
import { MissingCode } from '~/errors/explain';

type Page = () => ReactNode;

const pages: (() => Promise<void>)[] = [];

/**
 * A route's page. Code that did not come breaks that page alone, in its place, and is asked for again at the next try;
 * the router's own lazy component would reload the document instead, also where there is no network to reload it from.
 */
export function lazyPage(fetchCode: () => Promise<{ default: Page }>): AsyncRouteComponent<object> {
  let Page: Page | undefined;
  let loading: Promise<void> | undefined;
  const preload = (): Promise<void> => {
    loading ??= fetchCode().then(
      (code) => {
        Page = code.default;
      },
      (cause: unknown) => {
        loading = undefined;
        throw new MissingCode('the code of a page did not come', { cause });
      },
    );
    return loading;
  };
  pages.push(preload);
  const render = (): ReactNode => {
    if (!Page) use(preload());
    return Page ? <Page /> : null;
  };
  return Object.assign(render, { preload });
}

/** Fetches every page's code, one after the other, so that any page opens without a network. Not on saved data. */
export function fetchPagesWhenIdle(): void {
  const { connection } = navigator as { connection?: { saveData?: boolean } };
  if (connection?.saveData) return;
  const left = [...pages];
  const next = (): void => whenIdle(() => void left[0]?.().then(arrived, lost));
  const arrived = (): void => {
    left.shift();
    next();
  };
  const lost = (): void => addEventListener('online', next, { once: true });
  if (document.readyState === 'complete') next();
  else addEventListener('load', next, { once: true });
}

const whenIdle = (work: () => void): void => {
  if ('requestIdleCallback' in globalThis) requestIdleCallback(work);
  else setTimeout(work, 200);
};

/**
 * Whether loading the document anew would help: the shop answers, and with a page that starts by another script than
 * this one, so the names of our files are those of an older release.
 */
export async function isNewRelease(): Promise<boolean> {
  const page = await fetchDocument();
  const entry = document.querySelector<HTMLScriptElement>('script[type=module]')?.getAttribute('src');
  return page !== undefined && entry !== undefined && entry !== null && !page.includes(entry);
}

/** The document of this address as it is now; undefined if the shop is out of reach. */
export async function fetchDocument(): Promise<string | undefined> {
  try {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' }, cache: 'no-store' });
    return answer.ok || answer.status === 404 ? await answer.text() : undefined;
  } catch {
    return undefined;
  }
}
