/** What becomes of all that a tab holds when somebody comes or goes. */
import { queries } from '~/api';
import { attempts, withoutUnsent } from '~/checkout/attempt';
import { clearDrafts } from '~/drafts';
import { atPrivatePage, router } from '~/router';
import { currentSession, onSession } from './session';

/** To be called before anything is mounted: what a person leaves behind is gone before a component looks for it. */
export function followSession(): void {
  onSession((left) => (left === undefined ? greet() : forget(left)));
}

/**
 * A person left: nothing of theirs may be shown to anybody. The pages are mounted anew under the next `useVisit`, so
 * that no observer of a forgotten query stays on the screen with its last answer.
 */
function forget(customerId: string): void {
  queries.clear();
  router.clearCache();
  clearDrafts();
  const session = currentSession();
  const expired = session.kind === 'stranger' && session.expired;
  // Whoever was sent away by the shop comes back to what they had chosen.
  if (!expired) attempts.set(withoutUnsent(attempts.fresh(), customerId));
  // Whoever left a page of their own is not asked to come back to it, unless it was the shop that sent them away.
  if (atPrivatePage() && !expired) void router.navigate({ to: '/', replace: true });
  else void router.invalidate();
}

/** Somebody is known now: what was asked on a stranger's behalf is asked again, and what is on screen stays there. */
function greet(): void {
  if (currentSession().kind !== 'person') return;
  queries.removeQueries({ type: 'inactive' });
  // A first answer that is still under way would be taken for the one that is asked for now.
  const asked = queries.getQueryCache().findAll({ fetchStatus: 'fetching', predicate: ({ state }) => !state.data });
  void queries.invalidateQueries();
  for (const { promise, queryKey } of asked) {
    const again = (): Promise<void> => queries.invalidateQueries({ queryKey, exact: true });
    void promise?.then(again, again);
  }
  void router.invalidate();
}
