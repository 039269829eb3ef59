import { type ErrorComponentProps, useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';
import { isLost } from '~/errors/explain';
import { Failure } from './Failure';
import { Page } from './Page';

/** A page that could not be had; it comes by itself when the network does. */
export function RouteFailure({ error }: ErrorComponentProps) {
  const router = useRouter();
  // Browsers remember that a script failed to load, so only a fresh page can ask for it again.
  const retry = (): void => (isLost(error) ? location.reload() : void router.invalidate());
  useEffect(() => {
    addEventListener('online', retry);
    return () => removeEventListener('online', retry);
  });
  return (
    <Page name="Not available">
      <Failure whole error={error} onRetry={retry} />
    </Page>
  );
}
