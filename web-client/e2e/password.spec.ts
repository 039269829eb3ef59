/** Where somebody is signed in, and what becomes of a password: changed, forgotten, set anew. */
import { expect, type Page, test } from './fixtures.ts';
import { PASSWORD, settled, signIn, signOut, signUp } from './visit.ts';

const CHANGED = 'another short sentence';
const RESET = 'a third short sentence';

const places = (page: Page) => page.getByRole('list', { name: 'Where you are signed in' }).getByRole('listitem');

test('a session elsewhere is seen and ended, by the keyboard', async ({ page, visitor, expects }) => {
  expects.push(/status of 401/);
  const who = await signUp(page);
  const elsewhere = await (await visitor()).newPage();
  await signIn(elsewhere, who);
  await page.goto('/account');
  await expect(places(page)).toHaveCount(2);
  await expect(places(page).filter({ hasText: 'this browser' })).toHaveCount(1);
  const out = places(page).getByRole('button', { name: /^Sign out .* on / });
  await out.focus();
  await page.keyboard.press('Enter');
  await expect(places(page)).toHaveCount(1);
  await expect(page.getByRole('list', { name: 'Where you are signed in' })).toBeFocused();
  await elsewhere.goto('/account');
  await expect(elsewhere.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.reload();
  await expect(places(page)).toHaveCount(1);
});

test('a password is changed by who knows it, and everybody else is signed out', async ({ page, visitor, expects }) => {
  expects.push(/status of 40[01]/);
  const who = await signUp(page);
  const elsewhere = await (await visitor()).newPage();
  await signIn(elsewhere, who);
  await page.goto('/account');
  await settled(page);
  const change = async (current: string): Promise<void> => {
    await page.getByLabel('Password you have now').fill(current);
    await page.getByLabel('New password').fill(CHANGED);
    await page.getByLabel('New password').press('Enter');
  };
  await change('not the sentence');
  await expect(page.getByText('That is not the password you have now.')).toBeVisible();
  await change(PASSWORD);
  await expect(page.getByText('Your password is changed')).toBeVisible();
  await expect(page.getByLabel('New password')).toHaveValue('');
  await expect(places(page)).toHaveCount(1);
  await elsewhere.goto('/account');
  await expect(elsewhere.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.reload();
  await signOut(page);
  await signIn(page, who, '/', CHANGED);
});

test('a forgotten password is replaced by the link of a letter, once', async ({ page, shop, expects }) => {
  expects.push(/status of 400/);
  const who = await signUp(page);
  await signOut(page);
  await page.goto('/account/sign-in');
  await page.getByRole('link', { name: 'Forgotten your password?' }).click();
  await page.getByLabel('E-mail').fill(who.email);
  await page.getByLabel('E-mail').press('Enter');
  await expect(page.getByRole('heading', { name: 'Look into your mailbox' })).toBeFocused();
  const letter = async () => (await shop.letters()).find((text) => text.includes(`To: <${who.email}>`));
  await expect.poll(letter).toBeDefined();
  const link = /http\S+#\S+/.exec((await letter()) ?? '')?.[0] ?? '';
  expect(link).toContain(`${shop.url}/account/reset-password#`);

  await page.goto(link);
  await page.getByLabel('New password').fill('password123');
  await page.getByLabel('New password').press('Enter');
  await expect(page.getByText('among the first that anybody would try')).toBeVisible();
  await page.getByLabel('New password').fill(RESET);
  await page.getByLabel('New password').press('Enter');
  await expect(page.getByRole('heading', { name: 'Your new password is set' })).toBeFocused();
  await signIn(page, who, '/', RESET);
  await signOut(page);

  await page.goto(link);
  await page.getByLabel('New password').fill(RESET);
  await page.getByRole('button', { name: 'Set the password' }).click();
  await expect(page.getByText('This link is not good any more')).toBeVisible();
});
