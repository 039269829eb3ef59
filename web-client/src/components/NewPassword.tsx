import { PASSWORD_MAX, PASSWORD_MIN } from '~/session/refusal';
import { Field } from './Field';

/** The field of a password that takes the place of another. */
export function NewPassword() {
  return (
    <Field
      label="New password"
      name="password"
      type="password"
      autoComplete="new-password"
      hint={`${PASSWORD_MIN} characters or more; a short sentence is easiest.`}
      minLength={PASSWORD_MIN}
      maxLength={PASSWORD_MAX}
      isRequired
    />
  );
}
