import { Code, ConnectError } from '@connectrpc/connect';
import { getRouteApi } from '@tanstack/react-router';
import { type RefObject, useRef } from 'react';
import { EntryForm } from '~/components/EntryForm';
import { Field } from '~/components/Field';
import { Page } from '~/components/Page';
import { Muted, TextLink, Title } from '~/components/Text';
import { PASSWORD_MAX, PASSWORD_MIN, refusalOfSignUp } from '~/session/refusal';
import { signIn, signUp } from '~/session/session';

const route = getRouteApi('/account/sign-up');

/**
 * Makes the account. One whose answer was lost may have been made: then the e-mail is known, and the password that was
 * entered for it opens it. `lost` holds that e-mail from one try to the next.
 */
async function signUpOnce(name: string, email: string, password: string, lost: RefObject<string | undefined>) {
  try {
    await signUp(name, email, password);
  } catch (refusal) {
    const error = ConnectError.from(refusal);
    if (refusalOfSignUp(error) === undefined) lost.current = email;
    if (error.code !== Code.AlreadyExists || lost.current !== email) throw refusal;
    await signIn(email, password).catch(() => {
      throw refusal;
    });
  }
}

export default function SignUp() {
  const { next } = route.useSearch();
  const lost = useRef<string>(undefined);
  return (
    <Page name="Make an account" narrow>
      <Title>Make an account</Title>
      <EntryForm
        label="Make the account"
        busyLabel="Making it…"
        wrong={refusalOfSignUp}
        submit={async (fields) => {
          const [name, email, password] = ['name', 'email', 'password'].map((field) => String(fields.get(field)));
          await signUpOnce(name ?? '', email ?? '', password ?? '', lost);
        }}
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
