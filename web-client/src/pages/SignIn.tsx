import { Code } from '@connectrpc/connect';
import { getRouteApi } from '@tanstack/react-router';
import { EntryForm } from '~/components/EntryForm';
import { Field } from '~/components/Field';
import { Notice } from '~/components/Notice';
import { Page } from '~/components/Page';
import { Muted, TextLink, Title } from '~/components/Text';
import { signIn, useSession } from '~/session/session';

const REFUSALS: Partial<Record<Code, string>> = {
  [Code.Unauthenticated]: 'E-mail and password do not fit together.',
  [Code.InvalidArgument]: 'That does not look like an e-mail address and a password.',
  [Code.FailedPrecondition]: 'This account was blocked. Whoever runs this shop can tell you why.',
};
const route = getRouteApi('/account/sign-in');

export default function SignIn() {
  const { next } = route.useSearch();
  const session = useSession();
  return (
    <Page name="Sign in" narrow>
      <Title>Sign in</Title>
      {session.kind === 'stranger' && session.expired ? (
        <div className="mt-6">
          <Notice>Your session has ended. Sign in again and go on where you were.</Notice>
        </div>
      ) : null}
      <EntryForm
        label="Sign in"
        busyLabel="Signing in…"
        wrong={({ code }) => REFUSALS[code]}
        submit={(fields) => signIn(String(fields.get('email')), String(fields.get('password')))}
      >
        <Field label="E-mail" name="email" type="email" autoComplete="username" isRequired />
        <Field label="Password" name="password" type="password" autoComplete="current-password" isRequired />
      </EntryForm>
      <div className="mt-6">
        <TextLink to="/account/forgot-password">Forgotten your password?</TextLink>
      </div>
      <div className="mt-6">
        <Muted>New here?</Muted>
        <TextLink to="/account/sign-up" search={next ? { next } : {}}>
          Make an account
        </TextLink>
      </div>
    </Page>
  );
}
