/** Why the shop takes no account and no password of what was entered, in words. */
import { Code, type ConnectError } from '@connectrpc/connect';
import { errorInfo } from '~/errors/info';
import { type Violation, ViolationsSchema } from '~/gen/buf/validate/validate_pb';

/** How many letters a password has, by the contract. */
export const PASSWORD_MIN = 8;
export const PASSWORD_MAX = 128;

/** Undefined if this is no refusal of what was entered. */
export function refusalOfSignUp(error: ConnectError): string | undefined {
  if (error.code === Code.AlreadyExists) return 'There is an account with this e-mail already. Sign in instead.';
  if (error.code !== Code.InvalidArgument) return undefined;
  const violation = violationOf(error);
  if (fieldOf(violation) === 'name' && violation?.ruleId === 'string.one_line')
    return 'Your name has a character that nobody sees. Type it anew, without pasting.';
  return ofChosen(violation) ?? 'That does not look like a name and an e-mail address.';
}

/** Why a password is not replaced by another one; undefined if this is no refusal of what was entered. */
export function refusalOfPassword(error: ConnectError): string | undefined {
  if (error.code === Code.FailedPrecondition && errorInfo(error)?.reason === 'USER_BLOCKED')
    return 'This account was blocked. Whoever runs this shop can tell you why.';
  if (error.code !== Code.InvalidArgument) return undefined;
  const violation = violationOf(error);
  switch (fieldOf(violation)) {
    case 'current_password':
      return 'That is not the password you have now.';
    case 'token':
      return 'This link is not good any more: each works once, for half an hour, and only the newest. Ask for another one.';
    default:
      return ofChosen(violation);
  }
}

const violationOf = (error: ConnectError): Violation | undefined =>
  error.findDetails(ViolationsSchema)[0]?.violations[0];

const fieldOf = (violation: Violation | undefined): string | undefined => violation?.field?.elements[0]?.fieldName;

/** What is wrong with a password that somebody chose; undefined if it is none that is wrong. */
function ofChosen(violation: Violation | undefined): string | undefined {
  if (violation?.ruleId === 'password.guessed')
    return 'That password is among the first that anybody would try. Three or four words that do not belong together make a good one.';
  return fieldOf(violation) === 'password'
    ? `A password has ${PASSWORD_MIN} to ${PASSWORD_MAX} characters.`
    : undefined;
}
