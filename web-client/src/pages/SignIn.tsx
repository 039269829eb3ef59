import { Code } from '@connectrpc/connect';
import { getRouteApi, useRouter } from '@tanstack/react-router';
import { EntryForm } from '~/components/EntryForm';
import { Field } from '~/components/Field';
import { Page } from '~/components/Page';
import { Muted, TextLink, Title } from '~/components/Text';
import { signIn } from '~/session/session';

const route = getRouteApi('/account/sign-in');

export default function SignIn() {
  const { next } = route.useSearch();
  const router = useRouter();
  return (
    <Page name="Sign in" narrow>
      <Title>Sign in</Title>
      <EntryForm
        label="Sign in"
        busyLabel="Signing in…"
        wrong={{
          [Code.Unauthenticated]: 'E-mail and password do not fit together.',
          [Code.InvalidArgument]: 'That does not look like an e-mail address and a password.',
          [Code.FailedPrecondition]: 'This account was blocked. Our support can tell you why.',
        }}
        submit={async (fields) => {
          await signIn(String(fields.get('email')), String(fields.get('password')));
          router.history.replace(next ?? '/');
        }}
      >
        <Field label="E-mail" name="email" type="email" autoComplete="username" isRequired />
        <Field label="Password" name="password" type="password" autoComplete="current-password" isRequired />
      </EntryForm>
      <div className="mt-6">
        <Muted>New here?</Muted>
        <TextLink to="/account/sign-up" search={next ? { next } : {}}>
          Make an account
        </TextLink>
      </div>
    </Page>
  );
}
