import { launch, open } from './browser.mjs';
import { oneProcess } from './servers.mjs';
import { PASSWORD, signUp } from './shop.mjs';

const s = await oneProcess();
const b = await launch();
for (let i = 0; i < 10; i++) {
  const { page, context, complaints } = await open(b, { baseURL: s.url });
  const d = await context.newCDPSession(page);
  await d.send('Emulation.setCPUThrottlingRate', { rate: i % 2 ? 6 : 3 });
  await signUp(page);
  await page.goto('/account');
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  const log = [];
  page.on('framenavigated', (f) => log.push('nav ' + f.url().slice(-30)));
  page.on('request', (r) => /stoa\./.test(r.url()) && log.push(r.url().split('/').pop()));
  await page.getByRole('link', { name: 'Sign in' }).click();
  try {
    await page.getByLabel('E-mail').waitFor({ timeout: 5000 });
    process.stdout.write('.');
  } catch {
    console.log('FAIL', page.url(), log, complaints, (await page.locator('main').innerText()).slice(0, 200));
    await page.screenshot({ path: '/tmp/web/shots/fail.png' });
  }
  await context.close();
}
await b.close();
await s.stop();
