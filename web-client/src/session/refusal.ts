/** Why the shop makes no account of what was entered, in words. */
import { Code, type ConnectError } from '@connectrpc/connect';
import { ViolationsSchema } from '~/gen/buf/validate/validate_pb';

/** How many letters a password has, by the contract. */
export const PASSWORD_MIN = 8;
export const PASSWORD_MAX = 128;

/** Undefined if this is no refusal of what was entered. */
export function refusalOfSignUp(error: ConnectError): string | undefined {
  if (error.code === Code.AlreadyExists) return 'There is an account with this e-mail already. Sign in instead.';
  if (error.code !== Code.InvalidArgument) return undefined;
  const violation = error.findDetails(ViolationsSchema)[0]?.violations[0];
  if (violation?.ruleId === 'password.guessed')
    return 'That password is among the first that anybody would try. Three or four words that do not belong together make a good one.';
  return violation?.field?.elements[0]?.fieldName === 'password'
    ? `A password has ${PASSWORD_MIN} to ${PASSWORD_MAX} characters.`
    : 'That does not look like a name and an e-mail address.';
}
