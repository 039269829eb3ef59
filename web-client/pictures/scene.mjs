/** One picture: a wall, a table top, light from the upper left, and what stands in it. */
import { mix, seed, tones, wall } from './palette.mjs';

export const WIDTH = 400;
export const HEIGHT = 500;
/** Where a standing thing touches the table. */
export const GROUND = 412;
/** How flat a circle on the table looks. */
export const FLAT = 0.14;
const HORIZON = 366;

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
    this.defs = new Map();
    this.parts = [];
    this.back = [];
  }

  define(id, element) {
    if (!this.defs.has(id)) this.defs.set(id, element);
    return `url(#${id})`;
  }

  add(name, attributes, children) {
    this.parts.push(tag(name, attributes, children));
    return this;
  }

  /** The same on the wall, behind everything that stands. */
  behind(name, attributes, children) {
    this.back.push(tag(name, attributes, children));
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

  /** The soft shadow of something standing at `cx`, `half` wide; a tall thing throws a longer one. */
  shadow(cx, half, length = 110, y = GROUND) {
    const tint = mix(this.wall, '#1b1d2e', 0.75);
    const cast = this.linear('cast', [
      [0, tint, 0.34],
      [0.45, tint, 0.2],
      [1, tint, 0],
    ]);
    const touch = this.radial('touch', [
      [0, tint, 0.55],
      [0.6, tint, 0.3],
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
    const tint = mix(this.wall, '#1b1d2e', 0.7);
    this.add(name, { ...attributes, fill: tint, opacity: 0.1, transform: 'translate(22 26)' });
    return this.add(name, { ...attributes, fill: tint, opacity: 0.16, transform: 'translate(12 14)' });
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

  /** Window light on the wall: the same sun in every picture. */
  window() {
    const bright = mix(this.wall, '#fffdf5', 0.55);
    const shift = (this.seed >> 3) % 70;
    const pane = (x, y) => `M${n(x)} ${n(y)}l74 34v92l-74-34z`;
    const x = 40 + shift;
    const d =
      this.seed % 3 === 0
        ? `M${x} 330V150a62 62 0 0 1 124 40v190z`
        : [pane(x, 60), pane(x + 84, 98), pane(x, 164), pane(x + 84, 202)].join('');
    return tag('path', { d, fill: bright, opacity: 0.42 });
  }

  toString() {
    const floor = mix(this.wall, '#8d6f52', 0.2);
    const wallFill = this.linear('wall', [
      [0, mix(this.wall, '#ffffff', 0.2)],
      [1, mix(this.wall, '#3a3a4a', 0.06)],
    ]);
    const floorFill = this.linear('floor', [
      [0, mix(floor, '#ffffff', 0.1)],
      [1, mix(floor, '#2a2433', 0.14)],
    ]);
    const room = [
      tag('rect', { width: WIDTH, height: HEIGHT, fill: wallFill }),
      this.window(),
      ...this.back,
      tag('rect', { y: HORIZON, width: WIDTH, height: HEIGHT - HORIZON, fill: floorFill }),
      tag('rect', { y: HORIZON, width: WIDTH, height: 2, fill: mix(floor, '#ffffff', 0.35), opacity: 0.6 }),
    ];
    const body = [tag('defs', {}, [...this.defs.values()].join('')), ...room, ...this.parts].join('');
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}">${body}</svg>\n`;
  }
}
