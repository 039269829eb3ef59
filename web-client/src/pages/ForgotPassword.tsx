import { Code, type ConnectError } from '@connectrpc/connect';
import { useEffect, useRef, useState } from 'react';
import { EntryForm } from '~/components/EntryForm';
import { Field } from '~/components/Field';
import { Page } from '~/components/Page';
import { Muted, TextLink, Title } from '~/components/Text';
import { errorInfo } from '~/errors/info';
import { requestPasswordReset } from '~/session/session';

/** A shop without a mailbox says so to everybody. */
const refusal = (error: ConnectError): string | undefined =>
  error.code === Code.FailedPrecondition && errorInfo(error)?.reason === 'NO_LETTERS'
    ? 'This shop sends no letters. Whoever runs it can give you a new password.'
    : undefined;

export default function ForgotPassword() {
  const [sent, setSent] = useState(false);
  const title = useRef<HTMLHeadingElement>(null);
  // The form goes, and the focus with it.
  useEffect(() => {
    if (sent) title.current?.focus();
  }, [sent]);
  return (
    <Page name="Forgotten password" narrow>
      <Title ref={title}>{sent ? 'Look into your mailbox' : 'Forgotten your password?'}</Title>
      {sent ? (
        <div className="mt-6">
          <Muted>
            If there is an account with this e-mail, a letter is on its way. Its link sets a new password, once, within
            half an hour.
          </Muted>
        </div>
      ) : (
        <EntryForm
          label="Send me a letter"
          busyLabel="Asking for it…"
          wrong={refusal}
          submit={async (fields) => {
            await requestPasswordReset(String(fields.get('email')));
            setSent(true);
          }}
        >
          <Field label="E-mail" name="email" type="email" autoComplete="username" isRequired />
        </EntryForm>
      )}
      <div className="mt-6">
        <TextLink to="/account/sign-in">Sign in</TextLink>
      </div>
    </Page>
  );
}
