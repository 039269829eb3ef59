import { createClient } from '@connectrpc/connect';
import { useQueryClient } from '@tanstack/react-query';
import { Fragment, useState } from 'react';
import { transport } from '~/api';
import { AuthService } from '~/gen/stoa/user/v1/user_pb';
import { PASSWORD_MAX, refusalOfPassword } from '~/session/refusal';
import { EntryForm } from './EntryForm';
import { Field } from './Field';
import { NewPassword } from './NewPassword';
import { Notice } from './Notice';

/** Replaces the password of whoever is signed in, and knows the one of now. */
export function ChangePassword() {
  const queries = useQueryClient();
  const [changes, setChanges] = useState(0);
  const [changed, setChanged] = useState(false);
  const change = async (fields: FormData): Promise<void> => {
    setChanged(false);
    const [currentPassword, password] = ['current-password', 'password'].map((field) => String(fields.get(field)));
    await createClient(AuthService, transport).changePassword({
      currentPassword: currentPassword ?? '',
      password: password ?? '',
      useCookie: true,
    });
    setChanges((before) => before + 1);
    setChanged(true);
    void queries.invalidateQueries();
  };
  return (
    <>
      <EntryForm label="Change the password" busyLabel="Changing it…" wrong={refusalOfPassword} submit={change}>
        {/* What was typed goes once it is taken; the button stays, and keeps the focus. */}
        <Fragment key={changes}>
          <Field
            label="Password you have now"
            name="current-password"
            type="password"
            autoComplete="current-password"
            maxLength={PASSWORD_MAX}
            isRequired
          />
          <NewPassword />
        </Fragment>
      </EntryForm>
      {changed ? (
        <div className="mt-5">
          <Notice tone="good" live>
            Your password is changed, and you are signed out everywhere but here.
          </Notice>
        </div>
      ) : null}
    </>
  );
}
