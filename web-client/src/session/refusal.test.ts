import { Code, ConnectError } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { ViolationsSchema } from '~/gen/buf/validate/validate_pb';
import { refusalOfPassword, refusalOfSignUp } from './refusal';

/** A refusal as the shop words it, whose message nobody should need to read. */
const refused = (fieldName: string, ruleId: string): ConnectError =>
  new ConnectError('see the details', Code.InvalidArgument, undefined, [
    { desc: ViolationsSchema, value: { violations: [{ field: { elements: [{ fieldName }] }, ruleId }] } },
  ]);

it.each([
  ['password', 'password.guessed', /among the first/],
  ['password', 'password.length', /8 to 128 characters/],
  ['password', 'string.min_len', /8 to 128 characters/],
  ['email', 'string.email', /a name and an e-mail/],
  ['name', 'string.max_len', /a name and an e-mail/],
  ['name', 'string.one_line', /a character that nobody sees/],
])('says of %s against %s what to change', (field, rule, words) => {
  expect(refusalOfSignUp(refused(field, rule))).toMatch(words);
});

it('says that there is an account already, and nothing of what is no refusal', () => {
  expect(refusalOfSignUp(new ConnectError('no', Code.AlreadyExists))).toMatch(/Sign in instead/);
  expect(refusalOfSignUp(new ConnectError('no', Code.Unavailable))).toBeUndefined();
});

it.each([
  ['current_password', 'current_password.right', /not the password you have now/],
  ['current_password', 'string.min_len', /not the password you have now/],
  ['token', 'token.good', /not good any more/],
  ['password', 'password.guessed', /among the first/],
  ['password', 'string.min_len', /8 to 128 characters/],
])('says why a password is not replaced: %s against %s', (field, rule, words) => {
  expect(refusalOfPassword(refused(field, rule))).toMatch(words);
});

it('leaves to the page what is no refusal of a password', () => {
  expect(refusalOfPassword(new ConnectError('no', Code.Unavailable))).toBeUndefined();
  expect(refusalOfPassword(new ConnectError('no', Code.FailedPrecondition))).toBeUndefined();
});
