/** Colours of the picture kit: every material and wall of the shop, in one place. */

const MATERIALS = {
  bone: '#e9e0cf',
  chalk: '#f3f0ea',
  oat: '#ddd0b8',
  sand: '#d6bf98',
  stone: '#aaa79e',
  clay: '#c56f4c',
  coral: '#e0785a',
  rose: '#d9a097',
  plum: '#70465c',
  lilac: '#b3a6cb',
  mustard: '#d8a23c',
  butter: '#efd684',
  sage: '#92a68a',
  moss: '#5a6d4b',
  teal: '#3f7f7c',
  sky: '#a5c0d8',
  aegean: '#2f55a4',
  navy: '#2c4068',
  ink: '#2b3746',
  black: '#2b2c30',
  oak: '#c99a62',
  ash: '#dcc59f',
  walnut: '#7c5438',
  brass: '#c8a24c',
  steel: '#b4bcc3',
  leaf: '#4f7a4d',
  glass: '#cfe0e0',
  cream: '#fff2cc',
  flame: '#ffb648',
  coffee: '#4a2c1d',
};

/** Walls that let a material speak; the product's code picks one of them. */
const WALLS = {
  warm: ['#d9e0dd', '#e9e2d4', '#cbd8e2', '#dfe3d2'],
  cool: ['#ecdccf', '#efe4c9', '#e5ded2', '#e8cfc2'],
  pale: ['#c7b7a1', '#a9bdb4', '#b9c4d2', '#d7a78d', '#9fb0c9'],
  dark: ['#e7e0d3', '#d8dfdf', '#ead3c6', '#e9dfb9', '#d5d2df'],
};

const FAMILY = {
  warm: ['clay', 'coral', 'rose', 'mustard', 'butter', 'oak', 'sand', 'brass', 'plum', 'lilac'],
  cool: ['sage', 'moss', 'teal', 'sky', 'aegean', 'steel', 'glass'],
  pale: ['bone', 'chalk', 'oat', 'stone', 'ash'],
  dark: ['navy', 'ink', 'black', 'walnut'],
};

const channels = (color) => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));

const hex = (parts) => `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;

/** Mixes two colours; 0 is all `a`, 1 all `b`. */
export function mix(a, b, share) {
  const [from, to] = [channels(a), channels(b)];
  const part = (i) => Math.round(from[i] + (to[i] - from[i]) * share);
  return hex([0, 1, 2].map(part));
}

/** The five tones in which one material meets the light. */
export function tones(material) {
  const base = MATERIALS[material];
  if (!base) throw new Error(`the palette has no material "${material}"`);
  return {
    shine: mix(base, '#fffaf0', 0.62),
    light: mix(base, '#fff6e6', 0.3),
    base,
    dark: mix(base, '#1d2233', 0.28),
    deep: mix(base, '#161a28', 0.52),
  };
}

/** A small stable number of a text, so that a product always looks the same. */
export function seed(text) {
  let hash = 2166136261;
  for (const char of text) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619) >>> 0;
  return hash;
}

const familyOf = (material) => Object.keys(FAMILY).find((name) => FAMILY[name].includes(material)) ?? 'cool';

/** The wall behind a product of this material. */
export function wall(material, sku) {
  const choice = WALLS[familyOf(material)];
  return choice[seed(sku) % choice.length];
}

/** The same wall in the evening: its hue, deep; less so behind what is dark itself. */
export function dusk(material, sku) {
  const [red, green, blue] = channels(wall(material, sku));
  const [least, most] = [Math.min(red, green, blue), Math.max(red, green, blue)];
  const deep = familyOf(material) === 'dark' ? [84, 106] : [48, 70];
  const tone = (channel) => Math.round(deep[0] + ((channel - least) / (most - least)) * (deep[1] - deep[0]));
  return hex([red, green, blue].map(tone));
}
