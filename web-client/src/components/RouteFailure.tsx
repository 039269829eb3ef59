import { Code, ConnectError } from '@connectrpc/connect';
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';
import { queries } from '~/api';
import { MissingCode } from '~/errors/explain';
import { fetchDocument, isNewRelease } from '~/lazy-page';
import { NotFound } from '~/pages/NotFound';
import { useWhenOnline } from '~/stores/online';
import { Failure } from './Failure';
import { Page } from './Page';

/** A page that could not be had, or that broke; it comes by itself when the network does. */
export function RouteFailure({ error }: ErrorComponentProps) {
  const router = useRouter();
  const codeIsMissing = error instanceof MissingCode;

  const retry = async (): Promise<void> => {
    // What the page broke over is not shown to it again.
    queries.removeQueries({ type: 'inactive' });
    await router.invalidate();
    // Some browsers remember that a script did not come, and ask again only for a new document.
    const still = router.state.matches.some((match) => match.error instanceof MissingCode);
    if (still && (await fetchDocument())) location.reload();
  };

  useWhenOnline(true, retry);

  useEffect(() => {
    if (codeIsMissing) void isNewRelease().then((yes) => yes && location.reload());
  }, [codeIsMissing]);

  // What the page asked for came out of its address: trying again would ask the same.
  if (ConnectError.from(error).code === Code.InvalidArgument) return <NotFound />;
  return (
    <Page name="Not available">
      <Failure whole error={error} onRetry={() => void retry()} />
    </Page>
  );
}
