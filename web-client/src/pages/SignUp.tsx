import { getRouteApi } from '@tanstack/react-router';
import { EntryForm } from '~/components/EntryForm';
import { Field } from '~/components/Field';
import { Page } from '~/components/Page';
import { Muted, TextLink, Title } from '~/components/Text';
import { PASSWORD_MAX, PASSWORD_MIN, refusalOfSignUp } from '~/session/refusal';
import { signUp } from '~/session/session';

const route = getRouteApi('/account/sign-up');

export default function SignUp() {
  const { next } = route.useSearch();
  return (
    <Page name="Make an account" narrow>
      <Title>Make an account</Title>
      <EntryForm
        label="Make the account"
        busyLabel="Making it…"
        wrong={refusalOfSignUp}
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
          maxLength={PASSWORD_MAX}
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
