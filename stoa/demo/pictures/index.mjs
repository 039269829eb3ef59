/** The picture kit: one product in, one SVG out, always the same. */
import { bag, notebook } from './objects/carry.mjs';
import { plant, vase } from './objects/green.mjs';
import { board, bottle } from './objects/kitchen.mjs';
import { lamp, pendant } from './objects/light.mjs';
import { blanket, candle, clock } from './objects/room.mjs';
import { chair, stool } from './objects/seat.mjs';
import { headphones, speaker } from './objects/sound.mjs';
import { mug, teapot } from './objects/table.mjs';
import { Scene } from './scene.mjs';

const OBJECTS = {
  bag,
  blanket,
  board,
  bottle,
  candle,
  chair,
  clock,
  headphones,
  lamp,
  mug,
  notebook,
  pendant,
  plant,
  speaker,
  stool,
  teapot,
  vase,
};

/** Draws a product; `variant` names its shape and its material. */
export function draw({ sku, object, variant }) {
  const [shape, material] = variant.split(' ');
  const scene = new Scene(sku, material);
  OBJECTS[object](scene, shape, material);
  return scene.toString();
}
