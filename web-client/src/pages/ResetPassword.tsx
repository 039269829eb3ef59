import { useLocation } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { EntryForm } from '~/components/EntryForm';
import { NewPassword } from '~/components/NewPassword';
import { Page } from '~/components/Page';
import { Muted, TextLink, Title } from '~/components/Text';
import { refusalOfPassword } from '~/session/refusal';
import { resetPassword } from '~/session/session';

/** Sets a new password. The token of the letter stands behind the `#`, which the browser tells to nobody. */
export default function ResetPassword() {
  const token = useLocation({ select: ({ hash }) => hash });
  const [done, setDone] = useState(false);
  const title = useRef<HTMLHeadingElement>(null);
  // The form goes, and the focus with it.
  useEffect(() => {
    if (done) title.current?.focus();
  }, [done]);
  return (
    <Page name="New password" narrow>
      <Title ref={title}>{done ? 'Your new password is set' : 'Choose a new password'}</Title>
      {done || !token ? (
        <div className="mt-6">
          <Muted>
            {done
              ? 'You are signed out everywhere. Sign in with the new one.'
              : 'This address is not whole: follow the link in the letter, or ask for another one.'}
          </Muted>
        </div>
      ) : (
        <EntryForm
          label="Set the password"
          busyLabel="Setting it…"
          wrong={refusalOfPassword}
          submit={async (fields) => {
            await resetPassword(token, String(fields.get('password')));
            setDone(true);
          }}
        >
          <NewPassword />
        </EntryForm>
      )}
      <div className="mt-6">
        {done ? (
          <TextLink to="/account/sign-in">Sign in</TextLink>
        ) : (
          <TextLink to="/account/forgot-password">Ask for another letter</TextLink>
        )}
      </div>
    </Page>
  );
}
