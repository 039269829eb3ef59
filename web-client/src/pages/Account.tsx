import { useQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '~/components/Button';
import { ChangePassword } from '~/components/ChangePassword';
import { Failure } from '~/components/Failure';
import { Notice } from '~/components/Notice';
import { Card, Page } from '~/components/Page';
import { Sessions } from '~/components/Sessions';
import { Heading, Muted, TextLink, Title } from '~/components/Text';
import { UserService } from '~/gen/stoa/user/v1/user_pb';
import { ENDS_WITH_TAB, signOut, useSession } from '~/session/session';

export default function Account() {
  const session = useSession();
  return (
    <Page name="Account" narrow>
      <Title>Account</Title>
      {session.kind === 'person' ? <Sheet id={session.id} endsWithTab={session.endsWithTab} /> : null}
    </Page>
  );
}

function Sheet({ id, endsWithTab }: { id: string; endsWithTab: boolean }) {
  const user = useQuery(UserService.method.getUser, { id });
  return (
    <div className="mt-8 flex flex-col gap-6">
      <Card>
        {user.isError && !user.data ? (
          <Failure error={user.error} onRetry={() => void user.refetch()} />
        ) : (
          <>
            <p className="min-h-7 font-medium text-lead">{user.data?.name}</p>
            <p className="min-h-6 text-muted">{user.data?.email}</p>
          </>
        )}
        <TextLink to="/account/orders">Your orders</TextLink>
      </Card>
      {endsWithTab ? <Notice tone="warn">{ENDS_WITH_TAB}</Notice> : null}
      <Card>
        <Heading>Password</Heading>
        <ChangePassword />
      </Card>
      <Card>
        <Heading>Sessions</Heading>
        <Muted>
          You stay signed in on this browser until you leave, or until you have not been here for fourteen days. Sign
          out everywhere if you lost a device: it is out within ten minutes.
        </Muted>
        <div className="mt-5 flex flex-wrap gap-3">
          <Leave label="Sign out" everywhere={false} />
          <Leave label="Sign out everywhere" everywhere />
        </div>
        <Sessions />
      </Card>
    </div>
  );
}

function Leave({ label, everywhere }: { label: string; everywhere: boolean }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  // Whoever has left is led to the front page, like in every other tab.
  const leave = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    await signOut(everywhere).catch(setError);
    setBusy(false);
  };
  return (
    <>
      <Button kind={everywhere ? 'danger' : 'quiet'} isPending={busy} onPress={() => void leave()}>
        {label}
      </Button>
      {error ? (
        <Failure error={error} onRetry={() => void leave()}>
          <Muted>You are still signed in, here and everywhere else.</Muted>
        </Failure>
      ) : null}
    </>
  );
}
