import { type ErrorComponentProps, useRouter } from '@tanstack/react-router';
import { Failure } from './Failure';
import { Page } from './Page';

/** A page that could not be had. */
export function RouteFailure({ error }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <Page name="Not available">
      <Failure error={error} onRetry={() => void router.invalidate()} />
    </Page>
  );
}
