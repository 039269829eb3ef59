/** Mugs, cups, teapots and kettles. */
import { gleam, lathe, tube } from '../forms.mjs';
import { mix, tones } from '../palette.mjs';
import { GROUND } from '../scene.mjs';

const COFFEE = '#4a2d1f';

const mugs = {
  straight: {
    profile: [
      [76, 262, 1],
      [76, 390],
      [66, GROUND, 1],
    ],
    handle: 'M270 292C318 288 322 376 266 372',
    drink: COFFEE,
  },
  round: {
    profile: [
      [70, 274, 1],
      [90, 320],
      [82, 380],
      [50, GROUND, 1],
    ],
    drink: '#a7652e',
  },
  tall: {
    profile: [
      [62, 214, 1],
      [62, 380],
      [52, GROUND, 1],
    ],
    handle: 'M256 250C304 246 304 350 256 346',
    drink: COFFEE,
  },
  espresso: {
    profile: [
      [58, 318, 1],
      [56, 360],
      [40, 404, 1],
    ],
    handle: 'M252 334C284 330 282 372 248 372',
    drink: '#2f1a10',
    saucer: true,
  },
};

/** A mug with something warm in it. */
export function mug(s, shape, m) {
  const { profile, handle, drink, saucer } = mugs[shape];
  const t = tones(m);
  s.shadow(200, saucer ? 104 : profile.at(-1)[0] + 8, 110);
  if (saucer)
    lathe(
      s,
      m,
      [
        [112, 400, 1],
        [90, 408],
        [60, GROUND, 1],
      ],
      { lid: true },
    );
  if (handle) tube(s, m, handle, saucer ? 9 : 14);
  lathe(s, m, profile, { open: true, inside: t.deep });
  const [r, y] = profile[0];
  s.ellipse(200, y + 4, r - 9, (r - 9) * 0.11, drink);
  if (m === 'clay' || m === 'rose' || m === 'moss')
    s.path(
      `M${200 - r + 3} ${y + 34}Q200 ${y + 58} ${200 + r - 3} ${y + 34}L${200 + r - 4} ${y + 26}Q200 ${y + 48} ${200 - r + 4} ${y + 26}Z`,
      t.shine,
      { opacity: 0.55 },
    );
  if (m !== 'clay') gleam(s, 200 - r + 18, y + 30, (GROUND - y) * 0.42, 8, m === 'black' || m === 'ink' ? 0.25 : 0.42);
  s.line(`M186 ${y - 22}c-12-18 10-26 0-46M214 ${y - 24}c-10-16 10-24 0-42`, '#fff', 4, { opacity: 0.35 });
}

const pots = {
  round: {
    body: [
      [44, 274, 1],
      [86, 306],
      [96, 346],
      [76, 396],
      [58, GROUND, 1],
    ],
    spout: 'M118 364C84 356 92 300 66 288',
    handle: 'M282 304C350 286 346 388 284 376',
    lid: 44,
    knob: 252,
  },
  low: {
    body: [
      [54, 312, 1],
      [108, 336],
      [118, 366],
      [92, 402],
      [70, GROUND, 1],
    ],
    spout: 'M96 378C66 372 76 332 52 318',
    handle: 'M146 314C150 224 250 224 254 314',
    lid: 54,
    knob: 290,
  },
  kettle: {
    body: [
      [46, 256, 1],
      [66, 290],
      [88, 350],
      [94, 400],
      [88, GROUND, 1],
    ],
    spout: 'M118 388C58 384 96 262 54 250',
    handle: 'M258 270C346 236 344 362 290 372',
    lid: 46,
    knob: 234,
    grip: 'M316 268C338 282 338 330 322 350',
  },
};

/** A teapot or a kettle, spout to the light. */
export function teapot(s, shape, m) {
  const { body, spout, handle, lid, knob, grip } = pots[shape];
  const t = tones(m);
  s.shadow(200, body.at(-1)[0] + 20, 110);
  s.line(spout, t.base, shape === 'kettle' ? 13 : 20).line(spout, t.light, 5, { transform: 'translate(-3 -3)' });
  const metal = shape === 'kettle' || m === 'black' ? 'black' : m;
  tube(s, shape === 'low' && m !== 'black' ? 'oak' : metal, handle, 11);
  if (grip) tube(s, 'oak', grip, 15);
  lathe(s, m, body, { lid: true });
  const y = body[0][1];
  s.ellipse(200, y, lid - 4, (lid - 4) * 0.14, t.dark, { opacity: 0.5 });
  lathe(s, m, [
    [10, knob + 12, 1],
    [30, y - 6],
    [lid - 8, y + 1, 1],
  ]);
  s.add('circle', {
    cx: 200,
    cy: knob + 6,
    r: 11,
    fill: s.ball(m === 'ink' ? 'brass' : shape === 'kettle' ? 'oak' : m),
  });
  if (m !== 'clay' && m !== 'black') gleam(s, 200 - body[2][0] + 34, y + 34, 46, 9, 0.42);
  if (m === 'black' && shape === 'low')
    for (let i = -4; i <= 4; i += 1)
      s.line(`M${200 + i * 22} 346v22`, mix(t.base, t.light, 0.4), 3, { opacity: 0.5, 'stroke-dasharray': '0 8' });
}
