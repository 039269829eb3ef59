/** Notebooks and bags. */
import { box, rod } from '../forms.mjs';
import { mix, tones } from '../palette.mjs';
import { n } from '../scene.mjs';

const PAPER = '#f7f1e4';
const STACKS = { clay: ['walnut', 'clay', 'sand'], teal: ['teal', 'sky', 'chalk'], rose: ['rose', 'butter', 'bone'] };

const cover = (s, m, { x = 112, y = 150, w = 180, h = 262, rx = 6 } = {}) => {
  const t = tones(m);
  s.shadow(x + w / 2, w / 2, 80, 414);
  s.wallShadow('rect', { x, y, width: w, height: h, rx });
  s.rect(x + 6, y + 5, w, h, t.deep, { rx }).rect(x + 4, y + 3, w - 1, h - 4, PAPER, { rx });
  s.rect(x, y, w - 4, h, s.front(m), { rx });
  return { x, y, w: w - 4, h, t };
};

const notebooks = {
  soft(s, m) {
    const { x, y, h, w, t } = cover(s, m, { x: 122, y: 178, w: 164, h: 234, rx: 8 });
    s.line(`M${x + 12} ${y + 14}V${y + h - 14}`, t.shine, 2, { 'stroke-dasharray': '7 6', opacity: 0.8 });
    s.rect(x + 46, y + 46, w - 80, 44, PAPER, { rx: 3 }).line(
      `M${x + 58} ${y + 62}h48M${x + 58} ${y + 76}h30`,
      t.dark,
      2.4,
      { opacity: 0.6 },
    );
    rod(s, 'oak', 300, 414, 356, 250, 8);
  },
  elastic(s, m) {
    const { x, y, h, w, t } = cover(s, m);
    s.rect(x, y, 22, h, t.dark, { rx: 6, opacity: 0.35 });
    s.rect(x + w - 40, y - 1, 9, h + 2, mix(t.deep, '#000000', 0.2)).rect(x + w - 40, y - 1, 2.5, h + 2, t.light, {
      opacity: 0.4,
    });
    s.line(`M${x + 74} ${y + h}v22l6-7 6 7v-22`, tones('coral').base, 2, { fill: tones('coral').base });
    if (m === 'mustard') s.rect(x + 44, y + 54, 66, 40, 'none', { stroke: t.deep, 'stroke-width': 2.4, rx: 3 });
  },
  ring(s, m) {
    const { x, y, w, t } = cover(s, m, { x: 96, y: 176, w: 212, h: 236 });
    for (let i = 0; i < 12; i += 1)
      s.line(`M${n(x + 14 + i * 16.4)} ${y + 14}c-7-10-7-24 0-26s8 12 3 24`, '#4a4c52', 3);
    if (m === 'lilac')
      for (let i = 1; i < 7; i += 1) s.line(`M${n(x + (w / 7) * i)} ${y + 36}V${y + 214}`, t.dark, 2, { opacity: 0.5 });
    else s.line(`M${x + 50} ${y + 170}q20-70 50-30t50-40`, m === 'chalk' ? '#55585f' : t.shine, 4);
  },
  stack(s, m) {
    s.shadow(205, 130, 70, 416);
    STACKS[m].forEach((one, i) => {
      box(s, one, 90 + i * 6, 378 - i * 40, 200 - i * 8, 34, 70, { rx: 4 });
      s.rect(92 + i * 6, 385 - i * 40, 190 - i * 8, 20, PAPER).line(
        `M96 ${391 - i * 40}h184M96 ${398 - i * 40}h184`,
        '#d9cfbb',
        1.2,
      );
      s.rect(90 + i * 6, 378 - i * 40, 16, 34, tones(one).dark, { rx: 4 });
    });
    const ribbon = tones('oat');
    s.rect(196, 298, 16, 116, ribbon.base)
      .path('M197 298l49-30h15l-49 30z', ribbon.light)
      .path('M226 278c-36-34-60-10-30 4zm0 0c36-30 62-8 28 6z', ribbon.light, {
        stroke: ribbon.dark,
        'stroke-width': 1.5,
      });
  },
};

/** A notebook leaning on the wall, or three tied together. */
export const notebook = (s, shape, m) => notebooks[shape](s, m);

const LEATHER = {
  sage: 'walnut',
  ink: 'oak',
  moss: 'walnut',
  aegean: 'oak',
  black: 'black',
  mustard: 'walnut',
  navy: 'oak',
  clay: 'walnut',
  stone: 'black',
  sand: 'walnut',
  coral: 'oak',
};

const buckle = (s, x, y) =>
  s.rect(x - 10, y - 9, 20, 18, 'none', { rx: 4, stroke: tones('brass').base, 'stroke-width': 4 });

const bags = {
  tote(s, m) {
    const strap = tones(LEATHER[m]).base;
    s.shadow(200, 104, 90);
    s.line('M152 232C148 110 244 110 244 228', mix(strap, '#1b1d2e', 0.4), 9);
    s.path(
      'M86 218Q200 230 314 218L304 404Q200 424 96 404Z',
      s.linear('tote', [
        [0, tones(m).light],
        [0.35, tones(m).base],
        [1, tones(m).dark],
      ]),
    );
    s.path('M86 218Q200 230 314 218L313 236Q200 248 87 236Z', tones(m).dark, { opacity: 0.25 });
    s.line('M146 290V232C140 120 256 120 252 232V290', strap, 11);
    s.line('M140 402C152 350 138 320 146 296M262 402C250 356 262 326 254 296', tones(m).dark, 2.4, { opacity: 0.4 });
  },
  pack(s, m) {
    const t = tones(m);
    const hide = tones(LEATHER[m]);
    s.shadow(200, 96, 100);
    s.line('M176 138C176 104 224 104 224 138', hide.base, 10);
    s.line('M106 210C74 250 76 340 104 392M294 210C326 250 324 340 296 392', t.deep, 16);
    s.path('M104 230C104 150 144 128 200 128S296 150 296 230V384Q296 412 268 412H132Q104 412 104 384Z', s.round(m));
    s.path('M126 306H274V392Q274 402 262 402H138Q126 402 126 392Z', t.dark, { opacity: 0.4 }).path(
      'M122 300H270V386Q270 396 258 396H134Q122 396 122 386Z',
      s.front(m),
    );
    s.path('M104 226C104 150 144 128 200 128S296 150 296 226L286 256Q200 274 114 256Z', t.light, { opacity: 0.35 });
    s.rect(150, 236, 16, 84, hide.base, { rx: 4 }).rect(234, 236, 16, 84, hide.base, { rx: 4 });
    buckle(s, 158, 292);
    buckle(s, 242, 292);
  },
  satchel(s, m) {
    const t = tones(m);
    s.shadow(200, 124, 80);
    s.line('M92 262C92 60 308 60 308 262', t.dark, 10).line('M92 262C92 60 308 60 308 262', t.light, 2.4, {
      transform: 'translate(-3 -3)',
    });
    s.rect(76, 226, 248, 186, s.round(m), { rx: 18 });
    s.path(
      'M74 244Q74 222 96 222H304Q326 222 326 244V318Q326 346 298 348L200 354L102 348Q74 346 74 318Z',
      s.front(m),
    ).path('M84 318Q84 336 104 338L200 344L296 338Q316 336 316 318', 'none', {
      stroke: t.shine,
      'stroke-width': 2,
      'stroke-dasharray': '6 5',
      opacity: 0.7,
    });
    for (const x of [140, 260]) {
      s.rect(x - 9, 300, 18, 84, t.dark, { rx: 5 });
      buckle(s, x, 352);
    }
  },
  duffel(s, m) {
    const t = tones(m);
    const hide = tones(LEATHER[m]);
    s.shadow(200, 150, 50);
    s.line('M138 300C138 190 262 190 262 300', mix(hide.base, '#1b1d2e', 0.4), 9);
    s.rect(
      44,
      262,
      312,
      150,
      s.linear(
        'duffel',
        [
          [0, t.shine],
          [0.3, t.light],
          [0.6, t.base],
          [1, t.deep],
        ],
        true,
      ),
      { rx: 62 },
    );
    s.path('M300 266Q356 270 356 336T300 410Q322 336 300 266Z', t.dark, { opacity: 0.45 });
    s.line('M92 274H308', t.deep, 3, { opacity: 0.5 });
    for (const x of [128, 256]) s.rect(x, 264, 18, 148, hide.base);
    s.line('M137 300C137 176 265 176 265 300', hide.base, 11).line('M137 296C137 174 262 174 262 290', hide.light, 2.4);
    s.rect(172, 200, 58, 18, hide.dark, { rx: 8 });
  },
};

/** A bag. */
export const bag = (s, shape, m) => bags[shape](s, m);
