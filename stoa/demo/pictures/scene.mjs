/**
 * One picture: a wall, a table top, light from the upper left, and what stands in it. Each file holds it twice, by day
 * and, at `#dark`, in the evening: the same thing in another room. A page picks one by the address it asks for, so a
 * theme that changes draws anew what is already there and loads nothing.
 */
import { dusk, mix, seed, tones, wall } from './palette.mjs';

export const WIDTH = 400;
export const HEIGHT = 500;
/** Where a standing thing touches the table. */
export const GROUND = 412;
/** How flat a circle on the table looks. */
export const FLAT = 0.14;
const HORIZON = 366;
/** Where the evening begins: beside the day, with a gap that no rounding bridges. */
const EVENING_X = 500;

/** A number as short as a picture needs it. */
export const n = (value) => String(Math.round(value * 10) / 10);

/** An element; children may be left out. */
export function tag(name, attributes, children = '') {
  const list = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? n(value) : value}"`);
  return children ? `<${name}${list.join('')}>${children}</${name}>` : `<${name}${list.join('')}/>`;
}

/** Collects the shapes and the gradients of one picture. */
export class Scene {
  constructor(sku, material) {
    this.sku = sku;
    this.seed = seed(sku);
    this.wall = wall(material, sku);
    this.dusk = dusk(material, sku);
    this.defs = new Map();
    this.parts = [];
  }

  define(id, element) {
    if (!this.defs.has(id)) this.defs.set(id, element);
    return `url(#${id})`;
  }

  add(name, attributes, children) {
    this.parts.push(tag(name, attributes, children));
    return this;
  }

  path(d, fill, more = {}) {
    return this.add('path', { d, fill, ...more });
  }

  line(d, stroke, width, more = {}) {
    return this.add('path', {
      d,
      fill: 'none',
      stroke,
      'stroke-width': width,
      'stroke-linecap': 'round',
      'stroke-linejoin': 'round',
      ...more,
    });
  }

  ellipse(cx, cy, rx, ry, fill, more = {}) {
    return this.add('ellipse', { cx, cy, rx, ry, fill, ...more });
  }

  rect(x, y, width, height, fill, more = {}) {
    return this.add('rect', { x, y, width, height, fill, ...more });
  }

  /** Stops from left to right (or top to bottom) as a fill. */
  linear(id, stops, down = false) {
    const list = stops.map(([offset, color, opacity]) =>
      tag('stop', { offset, 'stop-color': color, 'stop-opacity': opacity }),
    );
    return this.define(id, tag('linearGradient', { id, ...(down ? { x2: 0, y2: 1 } : {}) }, list.join('')));
  }

  radial(id, stops, more = {}) {
    const list = stops.map(([offset, color, opacity]) =>
      tag('stop', { offset, 'stop-color': color, 'stop-opacity': opacity }),
    );
    return this.define(id, tag('radialGradient', { id, ...more }, list.join('')));
  }

  /** The fill of a turned body: lit on the left, shaded on the right, a little light coming back. */
  round(material) {
    const t = tones(material);
    return this.linear(`r-${material}`, [
      [0, t.base],
      [0.2, t.light],
      [0.3, mix(t.light, t.shine, 0.5)],
      [0.55, t.base],
      [0.88, t.dark],
      [1, mix(t.dark, t.base, 0.4)],
    ]);
  }

  /** The fill of a flat front. */
  front(material) {
    const t = tones(material);
    return this.linear(`f-${material}`, [
      [0, mix(t.base, t.light, 0.6)],
      [1, mix(t.base, t.dark, 0.25)],
    ]);
  }

  /** The fill of a ball. */
  ball(material) {
    const t = tones(material);
    return this.radial(
      `b-${material}`,
      [
        [0, t.shine],
        [0.35, t.light],
        [0.7, t.base],
        [1, t.dark],
      ],
      { cx: 0.35, cy: 0.3, r: 0.75 },
    );
  }

  /**
   * The soft shadow of something standing at `cx`, `half` wide; a tall thing throws a longer one. Dark enough to be a
   * shadow in the evening too.
   */
  shadow(cx, half, length = 110, y = GROUND) {
    const tint = mix(this.wall, '#0d0e18', 0.93);
    const cast = this.linear('cast', [
      [0, tint, 0.26],
      [0.45, tint, 0.15],
      [1, tint, 0],
    ]);
    const touch = this.radial('touch', [
      [0, tint, 0.46],
      [0.6, tint, 0.24],
      [1, tint, 0],
    ]);
    const flat = Math.max(half * FLAT, 5);
    const end = cx + half + length;
    this.path(
      `M${n(cx - half * 0.7)} ${n(y + flat * 0.7)}C${n(cx)} ${n(y + flat * 1.7)} ${n(cx + half)} ${n(y + flat)} ${n(end)} ${n(y - 18)}L${n(end)} ${n(y - 34)}L${n(cx + half * 0.3)} ${n(y - flat * 1.4)}Z`,
      cast,
    );
    return this.ellipse(cx + 4, y + 1, half * 1.14, flat * 1.35, touch);
  }

  /** The shadow of something hanging on the wall. */
  wallShadow(name, attributes) {
    const tint = mix(this.wall, '#0d0e18', 0.93);
    this.add(name, { ...attributes, fill: tint, opacity: 0.08, transform: 'translate(22 26)' });
    return this.add(name, { ...attributes, fill: tint, opacity: 0.13, transform: 'translate(12 14)' });
  }

  /** Warm light around a lamp or a flame. */
  glow(cx, cy, r, strength = 0.8) {
    const fill = this.radial(`glow-${strength * 100}`, [
      [0, '#fff4cf', strength],
      [0.4, '#ffeab0', strength * 0.45],
      [1, '#ffe6a0', 0],
    ]);
    return this.add('circle', { cx, cy, r, fill });
  }

  /** Window light on the wall: the same sun, and the same moon, in every picture. */
  window() {
    const shift = (this.seed >> 3) % 70;
    const pane = (x, y) => `M${n(x)} ${n(y)}l74 34v92l-74-34z`;
    const x = 40 + shift;
    return this.seed % 3 === 0
      ? `M${x} 330V150a62 62 0 0 1 124 40v190z`
      : [pane(x, 60), pane(x + 84, 98), pane(x, 164), pane(x + 84, 202)].join('');
  }

  /** The room by day: `id` tells its gradients from the evening's. */
  room(id, { top, bottom, near, far, edge, pane, opacity }) {
    const wallFill = this.linear(`${id}w`, [
      [0, top],
      [1, bottom],
    ]);
    const floorFill = this.linear(`${id}f`, [
      [0, near],
      [1, far],
    ]);
    const [width, height] = [WIDTH, HEIGHT - HORIZON];
    return [
      tag('rect', { width, height: HEIGHT, fill: wallFill }),
      tag('use', { href: '#w', fill: pane, opacity }),
      tag('rect', { y: HORIZON, width, height, fill: floorFill }),
      tag('rect', { y: HORIZON, width, height: 2, fill: edge, opacity: 0.6 }),
    ].join('');
  }

  day() {
    const floor = mix(this.wall, '#8d6f52', 0.2);
    return this.room('d', {
      top: mix(this.wall, '#ffffff', 0.2),
      bottom: mix(this.wall, '#3a3a4a', 0.06),
      near: mix(floor, '#ffffff', 0.1),
      far: mix(floor, '#2a2433', 0.14),
      edge: mix(floor, '#ffffff', 0.35),
      pane: mix(this.wall, '#fffdf5', 0.55),
      opacity: 0.42,
    });
  }

  evening() {
    const floor = mix(this.dusk, '#1a1512', 0.4);
    const lamp = this.radial('l', [
      [0, '#ffdfae', 0.2],
      [1, '#ffdfae', 0],
    ]);
    const room = this.room('e', {
      top: mix(this.dusk, '#fff3dc', 0.06),
      bottom: mix(this.dusk, '#0c0f16', 0.28),
      near: mix(floor, '#ffffff', 0.06),
      far: mix(floor, '#08090d', 0.35),
      edge: mix(floor, '#ffffff', 0.26),
      pane: '#c6d4ee',
      opacity: 0.07,
    });
    return room + tag('circle', { cx: 200, cy: 250, r: 250, fill: lamp });
  }

  toString() {
    const [day, evening] = [this.day(), this.evening()];
    const defs = [tag('path', { id: 'w', d: this.window() }), ...this.defs.values()];
    const body = [
      tag('view', { id: 'dark', viewBox: `${EVENING_X} 0 ${WIDTH} ${HEIGHT}` }),
      tag('defs', {}, defs.join('')),
      day,
      tag('g', { id: 't' }, this.parts.join('')),
      tag('g', { transform: `translate(${EVENING_X})` }, evening + tag('use', { href: '#t' })),
    ];
    const size = { width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}` };
    return `${tag('svg', { xmlns: 'http://www.w3.org/2000/svg', ...size }, body.join(''))}\n`;
  }
}
