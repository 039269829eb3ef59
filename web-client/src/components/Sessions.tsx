import { createClient } from '@connectrpc/connect';
import { useQuery } from '@connectrpc/connect-query';
import { useRef, useState } from 'react';
import { transport } from '~/api';
import type { Session } from '~/gen/stoa/user/v1/types_pb';
import { AuthService } from '~/gen/stoa/user/v1/user_pb';
import { formatMoment } from '~/when';
import { Button } from './Button';
import { Failure } from './Failure';
import { Bone, Skeleton } from './Skeleton';
import { Muted } from './Text';

/** Where a person is signed in, and a way out of each place. */
export function Sessions() {
  const sessions = useQuery(AuthService.method.listSessions);
  const list = useRef<HTMLUListElement>(null);
  const ended = async (): Promise<void> => {
    await sessions.refetch();
    // What was pressed is gone.
    list.current?.focus();
  };
  if (!sessions.data)
    return (
      <div className="mt-6">
        {sessions.isError ? (
          <Failure error={sessions.error} onRetry={() => void sessions.refetch()} />
        ) : (
          <Skeleton label="Your sessions are loading">
            <Bone shape="block" />
          </Skeleton>
        )}
      </div>
    );
  return (
    <ul ref={list} tabIndex={-1} aria-label="Where you are signed in" className="mt-6 outline-none">
      {sessions.data.sessions.map((session) => (
        <Place key={session.id} session={session} onEnded={ended} />
      ))}
    </ul>
  );
}

function Place({ session, onEnded }: { session: Session; onEnded: () => Promise<void> }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const device = session.device || 'A device without a name';
  const since = formatMoment(session.createdAt);
  const end = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await createClient(AuthService, transport).endSession({ id: session.id });
      await onEnded();
    } catch (thrown) {
      setError(thrown);
    }
    setBusy(false);
  };
  return (
    <li className="border-line border-t py-4 last:pb-0">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <div className="min-w-0">
          <p className="font-medium">
            {device}
            {session.current ? <span className="text-accent-ink">, this browser</span> : null}
          </p>
          <Muted small>
            Since {since}. Last used {formatMoment(session.lastUsedAt)}.
          </Muted>
        </div>
        {session.current ? null : (
          <Button
            kind="quiet"
            isPending={busy}
            aria-label={`Sign out ${device}, since ${since}`}
            onPress={() => void end()}
          >
            Sign out
          </Button>
        )}
      </div>
      {error ? <Failure error={error} onRetry={() => void end()} /> : null}
    </li>
  );
}
