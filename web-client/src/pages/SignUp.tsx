import { Code, type ConnectError } from '@connectrpc/connect';
import { getRouteApi } from '@tanstack/react-router';
import { EntryForm } from '~/components/EntryForm';
import { Field } from '~/components/Field';
import { Page } from '~/components/Page';
import { Muted, TextLink, Title } from '~/components/Text';
import { signUp } from '~/session/session';

const PASSWORD_MIN = 8;
const route = getRouteApi('/account/sign-up');

export default function SignUp() {
  const { next } = route.useSearch();
  return (
    <Page name="Make an account" narrow>
      <Title>Make an account</Title>
      <EntryForm
        label="Make the account"
        busyLabel="Making it…"
        wrong={refusal}
        submit={(fields) =>
          signUp(String(fields.get('name')), String(fields.get('email')), String(fields.get('password')))
        }
      >
        <Field label="Name" name="name" autoComplete="name" hint="How we greet you." isRequired maxLength={200} />
        <Field label="E-mail" name="email" type="email" autoComplete="username" isRequired />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="new-password"
          hint={`${PASSWORD_MIN} characters or more; a short sentence is easiest.`}
          minLength={PASSWORD_MIN}
          maxLength={128}
          isRequired
        />
      </EntryForm>
      <div className="mt-6">
        <Muted>Have one already?</Muted>
        <TextLink to="/account/sign-in" search={next ? { next } : {}}>
          Sign in
        </TextLink>
      </div>
    </Page>
  );
}

/** The shop names the field that it refuses first. */
function refusal({ code, rawMessage }: ConnectError): string | undefined {
  if (code === Code.AlreadyExists) return 'There is an account with this e-mail already. Sign in instead.';
  if (code !== Code.InvalidArgument) return undefined;
  return rawMessage.startsWith('password:')
    ? 'That password is among the first that anybody would try. Three or four words that do not belong together make a good one.'
    : 'That does not look like a name and an e-mail address.';
}
