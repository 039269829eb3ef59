/**
 * What others can do to somebody who is signed in here: another site in the same browser, and whoever keeps the catalog.
 * row: S-17
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { asKeeper } from './account.ts';
import { expect, test } from './fixtures.ts';
import { addToCart, settled, signUp } from './visit.ts';

const PAYLOAD = '"></title><img src=x onerror=alert(1)><script>alert(2)</script>';

test('another site can neither call in somebody’s name, nor post a form, nor frame the shop', async ({
  page,
  context,
  shop,
  expects,
}) => {
  expects.push(/CORS|ERR_|frame|Failed to load resource/i);
  const sid = async () => (await context.cookies(shop.url)).find(({ name }) => name === '__Host-sid')?.value;
  await signUp(page);
  const before = await sid();
  expect(before).toBeTruthy();

  // By another name of this machine, which makes it another site to the browser.
  const server = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<h1>Elsewhere</h1>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const told = await page.evaluate(async (url) => {
      const call = (rpc: string, init: RequestInit) =>
        fetch(`${url}/stoa.user.v1.AuthService/${rpc}`, { method: 'POST', credentials: 'include', body: '{}', ...init })
          .then(({ type }) => type as string)
          .catch(() => 'refused');
      const json = { headers: { 'content-type': 'application/json' } };
      return {
        refresh: await call('Refresh', json),
        out: await call('SignOut', json),
        // What needs no leave of the other site is sent, and must be of no effect.
        blind: await call('Refresh', { mode: 'no-cors', headers: { 'content-type': 'text/plain' } }),
        blindOut: await call('SignOut', { mode: 'no-cors', headers: { 'content-type': 'text/plain' } }),
      };
    }, shop.url);
    expect(told).toEqual({ refresh: 'refused', out: 'refused', blind: 'opaque', blindOut: 'opaque' });
    expect(await sid(), 'nobody renewed or ended the session').toBe(before);

    await page.evaluate((url) => {
      const frame = document.createElement('iframe');
      frame.src = url;
      document.body.append(frame);
      return new Promise((resolve) => frame.addEventListener('load', resolve));
    }, shop.url);
    expect(await page.frames()[1]?.evaluate(() => document.querySelector('#root')), 'no shop within').toBeNull();

    const posted = page.waitForResponse(/SignOut$/);
    await page.evaluate((url) => {
      const form = document.createElement('form');
      Object.assign(form, { method: 'post', enctype: 'text/plain', action: `${url}/stoa.user.v1.AuthService/SignOut` });
      const field = document.createElement('input');
      Object.assign(field, { name: '{"everywhere": true, "x": "', value: '"}' });
      form.append(field);
      document.body.append(form);
      form.submit();
    }, shop.url);
    expect((await posted).status()).toBeGreaterThanOrEqual(400);
    await page.waitForURL(/SignOut$/);
  } finally {
    server.close();
  }
  await page.goto('/account');
  await expect(page.getByRole('button', { name: 'Sign out', exact: true })).toBeVisible();
});

test('a product whose every word is a script is text on every page that shows it', async ({ page, shop }) => {
  const ran: string[] = [];
  page.on('dialog', (dialog) => {
    ran.push(dialog.message());
    void dialog.dismiss();
  });
  const sku = `HST-${randomUUID().slice(0, 8).toUpperCase()}`;
  const { product } = await asKeeper<{ product: { id: string } }>(
    shop.url,
    'stoa.catalog.v1.CatalogService/CreateProduct',
    { sku, name: PAYLOAD, description: PAYLOAD, category: PAYLOAD },
  );
  await asKeeper(shop.url, 'stoa.pricing.v1.PricingService/SetPrice', {
    sku,
    amount: { currencyCode: 'EUR', minorUnits: '500' },
  });
  await asKeeper(shop.url, 'stoa.inventory.v1.InventoryService/AdjustStock', { sku, delta: 9, reason: 'it came' });
  await page.goto(`/shop/products/${sku}`);
  await settled(page);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(PAYLOAD);
  // The front page remembers for some seconds what is new.
  const front = () => asKeeper(shop.url, 'stoa.bff.web.v1.WebService/GetHome', {});
  await expect.poll(async () => JSON.stringify(await front()), { timeout: 20_000 }).toContain(sku);
  for (const path of [`/shop/search?query=${encodeURIComponent('<img')}`, '/', '/shop/search']) {
    await page.goto(path);
    await settled(page);
    // On the front page a thing may be a picture alone, with its name as a label.
    await expect(page.locator('main').getByRole('link', { name: PAYLOAD }).first()).toBeVisible();
  }
  await addToCart(page, sku);
  await signUp(page, undefined, '/shop/checkout');
  await page.getByRole('button', { name: /^Pay / }).click();
  await page.waitForURL(/\/account\/orders\/[0-9a-f-]{36}$/);
  await settled(page);
  await expect(page.locator('main')).toContainText(PAYLOAD);
  expect(ran).toEqual([]);
  expect(await page.locator('img[src=x], main script').count()).toBe(0);
  await asKeeper(shop.url, 'stoa.catalog.v1.CatalogService/DeleteProduct', { id: product.id });
});
