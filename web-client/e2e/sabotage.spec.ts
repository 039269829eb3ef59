/**
 * The rules of the walks are tested by faults that are made on purpose: each must turn the walk red, and for the right
 * reason. Without a fault a way of all moves is green.
 */
import { randomUUID } from 'node:crypto';
import type { BrowserContext } from '@playwright/test';
import { expect, test } from './fixtures.ts';
import * as moves from './walk/moves.ts';
import { walk } from './walk/walk.ts';

interface Sabotage {
  readonly name: string;
  readonly fault: (context: BrowserContext) => Promise<unknown>;
  /** The way on which it is met. */
  readonly way: readonly moves.Move[];
  /** What the rules must say. */
  readonly told: RegExp;
}

/** What never comes to rest is waited for to the end of this. */
const QUIET_MS = 2_500;

const MUG = '/shop/products/MUG-STR-01';
const BUY = [moves.visit(MUG), moves.add(), moves.signUp(), moves.pay('tok_ok')];

const SABOTAGES: readonly Sabotage[] = [
  {
    name: 'a cart that is not emptied by the order',
    fault: (context) =>
      context.addInitScript(() => {
        const set = Storage.prototype.setItem;
        Storage.prototype.setItem = function (key, value) {
          if (key !== 'stoa.cart' || value !== '[]') set.call(this, key, value);
        };
      }),
    way: BUY,
    told: /the cart is \[1 MUG-STR-01\] and should be \[\]/,
  },
  {
    name: 'a badge that counts wrongly',
    fault: (context) =>
      context.addInitScript(() => {
        setInterval(() => {
          for (const link of document.querySelectorAll('header a[href="/shop/cart"]'))
            link.setAttribute('aria-label', 'Cart, 7 pieces');
        }, 20);
      }),
    way: [moves.visit(MUG), moves.add()],
    told: /the badge says .*Cart, 7 pieces/,
  },
  {
    name: 'a cart that shows another quantity than it has',
    fault: (context) =>
      context.addInitScript(() => {
        setInterval(() => {
          for (const field of document.querySelectorAll<HTMLInputElement>('main li [role=group] input'))
            field.value = '9';
        }, 20);
      }),
    way: [moves.visit(MUG), moves.add(), moves.visit('/shop/cart')],
    told: /the cart's page shows \[9 MUG-STR-01\]/,
  },
  {
    name: 'a name that stays after its person left',
    fault: (context) =>
      context.addInitScript(() => {
        const kept: string[] = [];
        setInterval(() => {
          const name = /see you, (\w+)/.exec(document.querySelector('h1')?.textContent ?? '')?.[1];
          if (name) kept.push(name);
          const strip = document.getElementById('kept') ?? document.createElement('p');
          strip.id = 'kept';
          document.body?.append(strip);
          strip.textContent = kept.at(-1) ?? '';
        }, 20);
      }),
    way: [moves.signUp(), moves.visit('/'), moves.signOut(false)],
    told: /Vale\w+.* is shown to somebody else/,
  },
  {
    name: 'a focus that falls to the body',
    fault: (context) =>
      context.addInitScript(() => {
        const blur = (): void => (document.activeElement as HTMLElement | null)?.blur();
        addEventListener('click', () => setTimeout(blur), true);
      }),
    way: [moves.theme()],
    told: /the focus fell to the body/,
  },
  {
    name: 'a search that is never answered',
    fault: (context) => context.route(/GetSearchPage$/, () => undefined),
    way: [moves.visit('/shop/search')],
    told: /a skeleton stays: /,
  },
  {
    name: 'a page that breaks',
    fault: (context) =>
      context.route(/GetProductPage$/, (route) =>
        route.fulfill({ status: 500, contentType: 'application/json', body: '{"code":"internal"}' }),
      ),
    way: [moves.visit(MUG)],
    told: /a page is broken/,
  },
  {
    name: 'an error in the console',
    fault: (context) => context.addInitScript(() => addEventListener('click', () => console.error('a fault'), true)),
    way: [moves.theme()],
    told: /the console of the browser complains[\s\S]*a fault/,
  },
  {
    name: 'an exception that nobody catches',
    fault: (context) =>
      context.addInitScript(() =>
        addEventListener(
          'click',
          () => {
            throw new Error('a fault');
          },
          true,
        ),
      ),
    way: [moves.theme()],
    told: /the console of the browser complains[\s\S]*a fault/,
  },
  {
    name: 'a page without a heading',
    fault: (context) =>
      context.addInitScript(() => {
        setInterval(() => {
          for (const title of document.querySelectorAll('h1')) title.textContent = '';
        }, 20);
      }),
    way: [moves.theme()],
    told: /the page has no heading/,
  },
  {
    name: 'a link that leads out of the shop',
    fault: async (context) => {
      await context.route('http://elsewhere.example/', (route) =>
        route.fulfill({ contentType: 'text/html', body: '<h1>Elsewhere</h1>' }),
      );
      await context.addInitScript(() =>
        addEventListener('click', () => location.assign('http://elsewhere.example/'), true),
      );
    },
    way: [moves.theme()],
    told: /the shop was left for http:\/\/elsewhere/,
  },
  {
    name: 'a page that is too wide',
    fault: (context) =>
      context.addInitScript(() =>
        addEventListener(
          'click',
          () => {
            document.body.style.minWidth = '5000px';
          },
          true,
        ),
      ),
    way: [moves.theme()],
    told: /the page scrolls sideways/,
  },
  {
    name: 'an order that is sent twice',
    fault: (context) =>
      context.route(/CreateOrder$/, async (route) => {
        await route.fetch({ headers: { ...route.request().headers(), 'idempotency-key': randomUUID() } });
        await route.continue();
      }),
    way: BUY,
    told: /one Pay is one order/,
  },
  {
    name: 'a picture without a text',
    fault: (context) =>
      context.addInitScript(() => {
        setInterval(() => {
          for (const image of document.images) image.removeAttribute('alt');
        }, 20);
      }),
    way: [moves.visit(MUG)],
    told: /axe on the end of the walk[\s\S]*image-alt/,
  },
];

test('every move there is finds something to be made with', async ({ visitor, shop, complaints }) => {
  test.slow();
  const way = [
    moves.search('lamp'),
    moves.follow(20),
    moves.visit('/shop/search'),
    moves.press(0),
    moves.visit(MUG),
    moves.step(0, 'more', 2),
    moves.write(0, '3', 'Tab'),
    moves.add(),
    moves.visit('/shop/cart'),
    moves.remove(0),
    moves.putBack(),
    moves.theme(),
    moves.resize(360),
    moves.reload(),
    moves.history('back'),
    moves.openTab(),
    moves.switchTab(),
    moves.closeTab(),
    moves.signUp(),
    moves.signOut(false),
    moves.signIn(0),
    moves.pay('tok_declined', { another: true }),
    moves.cancel(true),
    moves.offline(),
    moves.backOnline(),
    moves.kill(0),
  ];
  const made = new Set(way.map((move) => String(move).replace(/\(.*/, '')));
  expect([...made].sort(), 'each is on the way').toEqual(Object.keys(moves).sort());
  const { steps, idle } = await walk({ context: await visitor(), shop, complaints }, way);
  expect({ steps, idle }).toEqual({ steps: way.length, idle: [] });
});

for (const { name, fault, way, told } of SABOTAGES) {
  test(name, async ({ visitor, shop, complaints, expects }) => {
    expects.push(/./);
    const context = await visitor();
    await fault(context);
    const verdict = await walk({ context, shop, complaints, quietMs: QUIET_MS }, way).then(
      () => 'the walk is green',
      (error: Error) => error.message,
    );
    expect(verdict).toMatch(told);
  });
}
