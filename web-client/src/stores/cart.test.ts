import { describe, expect, it, vi } from 'vitest';
import {
  addToCart,
  holds,
  LINES_MAX,
  PIECES_MAX,
  parseCart,
  pieces,
  withAtLeast,
  withMore,
  without,
  withQuantity,
} from './cart';
import { persisted } from './persisted';
import { memory, withRoom } from './storage.fixture';

const LAMP = { sku: 'LMP-ARC-01', quantity: 2 };
const MUG = { sku: 'MUG-STR-01', quantity: 1 };

describe('the cart', () => {
  it('adds to a line that is there and appends one that is not', () => {
    expect(withMore([LAMP], 'LMP-ARC-01', 3)).toEqual([{ sku: 'LMP-ARC-01', quantity: 5 }]);
    expect(withMore([LAMP], 'MUG-STR-01', 1)).toEqual([LAMP, MUG]);
  });

  it('never holds more than an order takes', () => {
    expect(withMore([LAMP], LAMP.sku, 500)).toEqual([{ sku: LAMP.sku, quantity: PIECES_MAX }]);
    const full = Array.from({ length: LINES_MAX }, (_, i) => ({ sku: `SKU-${i}`, quantity: 1 }));
    expect(withMore(full, 'ONE-MORE', 1)).toBe(full);
  });

  it('says how many it had room for, and that a line at its most took none', () => {
    expect(addToCart(LAMP.sku, PIECES_MAX - 1)).toBe(PIECES_MAX - 1);
    expect(addToCart(LAMP.sku, 3)).toBe(1);
    expect(addToCart(LAMP.sku, 1)).toBe(0);
  });

  it('drops a line at nothing', () => {
    expect(withQuantity([LAMP, MUG], LAMP.sku, 0)).toEqual([MUG]);
  });

  it('loses what was ordered and keeps what was added meanwhile', () => {
    expect(without([{ ...LAMP, quantity: 3 }, MUG], [LAMP])).toEqual([{ ...LAMP, quantity: 1 }, MUG]);
    expect(without([LAMP], [LAMP, MUG])).toEqual([]);
  });

  it('takes things back once, however often they are put back, and only what has room', () => {
    const back = withAtLeast([{ ...LAMP, quantity: 1 }], [LAMP, MUG]);
    expect(back).toEqual([LAMP, MUG]);
    expect(withAtLeast(back, [LAMP, MUG])).toEqual(back);
    expect(withAtLeast([{ ...LAMP, quantity: 9 }], [LAMP])).toEqual([{ ...LAMP, quantity: 9 }]);
    const full = Array.from({ length: LINES_MAX }, (_, i) => ({ sku: `SKU-${i}`, quantity: 1 }));
    expect(withAtLeast(full, [MUG])).toEqual(full);
    expect(holds(back, [LAMP, MUG])).toBe(true);
    expect(holds(full, [MUG])).toBe(false);
    expect(holds([{ ...LAMP, quantity: 1 }], [LAMP])).toBe(false);
  });

  it('reads what it wrote, and nothing else', () => {
    expect(parseCart([LAMP, MUG])).toEqual([LAMP, MUG]);
    expect(
      parseCart([LAMP, { sku: 7, quantity: 1 }, { sku: 'X', quantity: 0 }, { sku: 'X', quantity: 1.5 }, null]),
    ).toEqual([LAMP]);
    expect(parseCart([LAMP, { ...LAMP, quantity: 9 }]), 'each thing once').toEqual([LAMP]);
    const strange = ['', ' ', 'a,b', '\ud800', 'x'.repeat(65)].map((sku) => ({ sku, quantity: 1 }));
    expect(parseCart([...strange, MUG]), 'the shop would refuse all for one').toEqual([MUG]);
    expect(parseCart({ sku: 'X' })).toEqual([]);
    expect(parseCart(null)).toEqual([]);
  });

  it('counts pieces', () => {
    expect(pieces([LAMP, MUG])).toBe(3);
  });
});

describe('a persisted value', () => {
  it('survives a reload', () => {
    const storage = memory();
    persisted('cart', parseCart, storage).set([LAMP]);
    expect(persisted('cart', parseCart, storage).get()).toEqual([LAMP]);
  });

  it('sees another tab when asked freshly', () => {
    const storage = memory();
    const here = persisted('cart', parseCart, storage);
    persisted('cart', parseCart, storage).set([MUG]);
    expect(here.get()).toEqual([]);
    expect(here.fresh()).toEqual([MUG]);
  });

  it('begins empty where the storage holds rubbish or refuses', () => {
    const storage = memory();
    storage.setItem('cart', '{not json');
    expect(persisted('cart', parseCart, storage).get()).toEqual([]);
    const cart = persisted('cart', parseCart, withRoom(memory(), { isFull: true }));
    cart.set([LAMP]);
    expect(cart.get()).toEqual([LAMP]);
  });

  it('keeps what the storage would not take, also when asked freshly, and follows the storage once it takes again', () => {
    const room = { isFull: true };
    const storage = memory();
    const cart = persisted('cart', parseCart, withRoom(storage, room));
    cart.set([LAMP]);
    expect(cart.fresh()).toEqual([LAMP]);
    expect(cart.keeping()).toBe('refused');
    cart.set([...cart.fresh(), MUG]);
    expect(cart.fresh()).toEqual([LAMP, MUG]);
    room.isFull = false;
    cart.set([LAMP]);
    expect(cart.keeping()).toBe('kept');
    storage.setItem('cart', JSON.stringify([MUG]));
    expect(cart.fresh()).toEqual([MUG]);
  });

  it('does not exchange what this tab alone knows for what another tab stored', () => {
    const browser = new EventTarget();
    vi.stubGlobal('addEventListener', browser.addEventListener.bind(browser));
    const room = { isFull: true };
    const storage = memory();
    const cart = persisted('cart', parseCart, withRoom(storage, room));
    vi.unstubAllGlobals();
    const another = (): void => {
      storage.setItem('cart', JSON.stringify([MUG]));
      browser.dispatchEvent(Object.assign(new Event('storage'), { key: 'cart' }));
    };
    cart.set([LAMP]);
    another();
    expect(cart.get()).toEqual([LAMP]);
    expect(cart.keeping()).toBe('refused');
    room.isFull = false;
    cart.set([LAMP]);
    another();
    expect(cart.get()).toEqual([MUG]);
  });

  it('holds two things, one after the other, where there is no storage at all', () => {
    const cart = persisted('cart', parseCart, undefined);
    expect(cart.keeping()).toBe('nowhere');
    cart.set([...cart.fresh(), LAMP]);
    cart.set([...cart.fresh(), MUG]);
    expect(cart.fresh()).toEqual([LAMP, MUG]);
  });

  it('tells its listeners until they leave', () => {
    const cart = persisted('cart', parseCart, memory());
    let told = 0;
    const leave = cart.subscribe(() => {
      told += 1;
    });
    cart.set([LAMP]);
    leave();
    cart.set([]);
    expect(told).toBe(1);
  });
});
