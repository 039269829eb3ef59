/** Clocks, blankets and candles. */
import { box, flame, gleam, grain, lathe, rod, turned } from '../forms.mjs';
import { mix, tones } from '../palette.mjs';
import { GROUND, n } from '../scene.mjs';

/** A dial with its hours and the time of the product's own. */
const dial = (s, cx, cy, r, face, marks, second = '#e0785a') => {
  s.add('circle', { cx, cy, r, fill: face });
  for (let i = 0; i < 12; i += 1) {
    const [sin, cos] = [Math.sin((i * Math.PI) / 6), Math.cos((i * Math.PI) / 6)];
    const inner = i % 3 ? 0.86 : 0.78;
    s.line(
      `M${n(cx + sin * r * inner)} ${n(cy - cos * r * inner)}L${n(cx + sin * r * 0.92)} ${n(cy - cos * r * 0.92)}`,
      marks,
      i % 3 ? r * 0.025 : r * 0.05,
      { 'stroke-linecap': 'butt' },
    );
  }
  const hour = 300 + (s.seed % 12) * 2;
  const hand = (angle, length, width, color) =>
    s.rect(-width / 2, -length, width, length + r * 0.12, color, {
      rx: width / 2,
      transform: `translate(${n(cx)} ${n(cy)}) rotate(${angle})`,
    });
  hand(hour, r * 0.5, r * 0.07, marks);
  hand(56, r * 0.74, r * 0.05, marks);
  hand(190, r * 0.8, r * 0.02, second);
  s.add('circle', { cx, cy, r: r * 0.06, fill: second });
};

const clocks = {
  wall(s, m) {
    const t = tones(m);
    s.wallShadow('circle', { cx: 200, cy: 214, r: 130 });
    s.add('circle', { cx: 200, cy: 214, r: 130, fill: s.ball(m === 'bone' ? 'black' : m) });
    const dark = m === 'ink';
    dial(s, 200, 214, 114, dark ? t.base : '#fbf7ee', dark ? '#f3ecdc' : '#26282e');
    s.path('M200 100A114 114 0 0 0 86 214Q120 140 200 100Z', '#fff', { opacity: 0.18 });
    s.shadow(110, 44, 70, 424);
    lathe(
      s,
      'oat',
      [
        [34, 372, 1],
        [46, 392],
        [36, 424, 1],
      ],
      { cx: 110, open: true },
    );
  },
  square(s, m) {
    const d = 'M104 204H296V412H104Z';
    s.shadow(206, 110, 90, 416);
    box(s, m, 104, 208, 192, 204, 56, { rx: 8 });
    if (m !== 'teal') grain(s, m, d, [104, 204, 192, 208], 7);
    s.add('circle', { cx: 200, cy: 312, r: 80, fill: s.ball('brass') });
    dial(s, 200, 312, 74, m === 'teal' ? '#eef3ef' : '#fbf7ee', '#26282e', m === 'teal' ? '#e0785a' : '#8a6a2a');
  },
  alarm(s, m) {
    const t = tones(m);
    s.shadow(200, 84, 110, 418);
    rod(s, 'steel', 146, 372, 124, 416, 12);
    rod(s, 'steel', 254, 372, 276, 416, 12);
    if (m !== 'black') {
      s.line('M166 176C166 134 234 134 234 176', tones('steel').dark, 7);
      for (const [x, turn] of [
        [140, -34],
        [260, 34],
      ])
        s.path('M-40 0A40 34 0 0 1 40 0Q0 12-40 0Z', s.round('steel'), {
          transform: `translate(${x} 204) rotate(${turn})`,
        });
    }
    s.add('circle', { cx: 200, cy: 296, r: 108, fill: s.ball(m) });
    dial(s, 200, 296, 90, m === 'black' ? '#34363c' : '#fbf7ee', m === 'black' ? '#e9f2c9' : '#26282e');
    s.line('M118 262Q134 212 182 198', t.shine, 5, { opacity: 0.6 });
  },
  pendulum(s, m) {
    s.wallShadow('rect', { x: 146, y: 34, width: 108, height: 320, rx: 8 });
    s.rect(146, 34, 108, 320, s.front(m), { rx: 8 });
    if (m === 'walnut') grain(s, m, 'M146 34H254V354H146Z', [146, 34, 108, 320], 5);
    s.rect(184, 160, 32, 180, tones(m).deep, { rx: 16, opacity: m === 'walnut' ? 0.8 : 0.35 });
    s.line('M200 134L206 294', tones('brass').base, 4);
    s.add('circle', { cx: 206, cy: 300, r: 22, fill: s.ball('brass') });
    dial(s, 200, 96, 46, '#fbf7ee', '#26282e', '#8a6a2a');
  },
};

/** A clock that hangs or stands. */
export const clock = (s, shape, m) => clocks[shape](s, m);

const SETS = { rose: ['rose', 'bone', 'butter'], sage: ['sage', 'oat', 'moss'], mustard: ['mustard', 'sand', 'clay'] };

/** One folded cloth: rounded folds at the left, open layers at the right. */
const fold = (s, m, y, height, inset = 0) => {
  const t = tones(m);
  const [x, w] = [74 + inset, 252 - inset * 2];
  const layer = height / 3;
  for (let i = 2; i >= 0; i -= 1) {
    s.rect(
      x + (i % 2) * 3,
      y + i * layer,
      w - (i % 2) * 6,
      layer + 1,
      s.linear(`cloth-${m}`, [
        [0, t.dark],
        [0.08, t.light],
        [0.5, t.base],
        [1, mix(t.base, t.dark, 0.6)],
      ]),
      { rx: layer / 2 },
    );
    s.line(`M${x + 14} ${n(y + (i + 1) * layer)}H${x + w - 12}`, t.deep, 1.4, { opacity: 0.4 });
  }
  s.path(
    `M${x + 8} ${y + 3}L${x + 44} ${y - 20}H${x + w - 4}Q${x + w + 6} ${y - 12} ${x + w - 8} ${y + 3}Z`,
    mix(t.light, t.shine, 0.3),
  );
};

const fringe = (s, m, x, y, w) =>
  s.line(`M${x} ${y}H${x + w}`, tones(m).light, 15, { 'stroke-dasharray': '2.4 4', 'stroke-linecap': 'butt' });

const blankets = {
  folded(s, m) {
    s.shadow(204, 130, 70, 416);
    fold(s, m, 338, 74);
    const stripe =
      m === 'aegean'
        ? tones('chalk').base
        : m === 'clay'
          ? tones('coral').base
          : m === 'moss'
            ? tones('oat').base
            : tones('stone').base;
    for (const x of [262, 284])
      s.rect(x, 340, 9, 70, stripe, { opacity: 0.85 }).path(`M${x} 341l17-23h9l-17 23z`, stripe, { opacity: 0.85 });
    fringe(s, m, 84, 420, 90);
    s.shadow(150, 30, 60, 320);
    lathe(
      s,
      'chalk',
      [
        [30, 266, 1],
        [34, 300],
        [26, 322, 1],
      ],
      { cx: 150, open: true, inside: '#7b4a2b' },
    );
  },
  stack(s, m) {
    s.shadow(204, 130, 80, 416);
    SETS[m].forEach((one, i) => {
      fold(s, one, 360 - i * 66, 56, i * 7);
    });
  },
  hung(s, m) {
    const t = tones(m);
    rod(s, 'oak', 70, 112, 330, 112, 10);
    const d = 'M104 110H300V372Q252 384 202 372T104 372Z';
    s.wallShadow('path', { d });
    s.path(
      d,
      s.linear('folds', [
        [0, t.base],
        [0.1, t.light],
        [0.2, t.base],
        [0.3, t.dark],
        [0.42, t.light],
        [0.56, t.base],
        [0.68, t.dark],
        [0.8, t.light],
        [1, t.dark],
      ]),
    );
    s.path('M104 106Q202 96 300 106V126Q202 116 104 126Z', t.shine, { opacity: 0.5 });
    fringe(s, m, 106, 384, 192);
    if (m === 'coral')
      s.line('M104 320Q202 332 300 320M104 340Q202 352 300 340M104 160H300', tones('chalk').base, 5, { opacity: 0.8 });
    if (m === 'ink')
      for (let i = 0; i < 16; i += 1)
        s.add('circle', { cx: 116 + ((i * 61) % 172), cy: 140 + ((i * 97) % 210), r: 1.8 + (i % 2), fill: '#f2e6c4' });
  },
  rolled(s, m) {
    const t = tones(m);
    s.shadow(204, 136, 70, 418);
    s.rect(
      92,
      294,
      240,
      120,
      s.linear(
        'roll',
        [
          [0, t.shine],
          [0.25, t.light],
          [0.6, t.base],
          [1, t.deep],
        ],
        true,
      ),
      { rx: 56 },
    );
    s.ellipse(120, 354, 48, 60, mix(t.base, t.light, 0.5));
    s.line('M120 354c6-8 16-2 12 8s-24 8-26-8 16-32 34-20 18 44-4 56-48-8-44-42 36-46 52-34', t.dark, 3);
    for (const x of [196, 268]) s.line(`M${x} 295C${x - 26} 320 ${x - 26} 388 ${x} 413`, tones('walnut').base, 11);
    s.line('M196 296C206 250 258 250 268 296', tones('walnut').base, 9);
  },
};

/** A blanket: folded, hung or rolled. */
export const blanket = (s, shape, m) => blankets[shape](s, m);

const candles = {
  pillar(s, m) {
    s.shadow(200, 62, 120);
    lathe(
      s,
      'stone',
      [
        [84, 400, 1],
        [70, GROUND, 1],
      ],
      { lid: true },
    );
    lathe(
      s,
      m,
      [
        [52, 232, 1],
        [52, 402, 1],
      ],
      { open: true, inside: mix(tones(m).light, '#ffe9b0', 0.6) },
    );
    s.path('M232 236c2 30 14 36 10 62-2 10-12 8-12-2 2-22-4-36-8-58z', tones(m).light, { opacity: 0.8 });
    flame(s, 200, 230, 1.2, 130);
  },
  glass(s, m) {
    s.shadow(200, 72, 110);
    lathe(
      s,
      m,
      [
        [68, 304, 1],
        [68, 398],
        [62, 408, 1],
      ],
      { lid: true },
    );
    s.ellipse(200, 304, 67, 9, mix(tones(m).light, '#fff0c4', 0.6));
    const glass = s.linear('tumbler', [
      [0, '#ffffff', 0.5],
      [0.1, '#ffffff', 0.12],
      [0.85, '#20303a', 0.1],
      [1, '#20303a', 0.3],
    ]);
    flame(s, 200, 300, 1, 120);
    s.path(
      turned(200, [
        [74, 252, 1],
        [74, 396],
        [68, GROUND, 1],
      ]),
      glass,
    ).ellipse(200, 252, 74, 10, 'none', { stroke: '#fff', 'stroke-width': 2.4, opacity: 0.7 });
    s.rect(158, 334, 84, 54, '#faf5ea', { rx: 2 }).line('M172 352h56M172 366h34', tones(m).deep, 3, { opacity: 0.7 });
    gleam(s, 140, 270, 110, 7, 0.6);
  },
  taper(s, m) {
    for (const [x, top] of [
      [154, 168],
      [246, 128],
    ]) {
      s.shadow(x, 40, 70);
      lathe(
        s,
        'brass',
        [
          [17, 352, 1],
          [14, 366],
          [10, 386],
          [40, 402],
          [40, GROUND, 1],
        ],
        { cx: x },
      );
      lathe(
        s,
        m,
        [
          [7, top, 1],
          [11, 356, 1],
        ],
        { cx: x },
      );
      flame(s, x, top, 0.9, 90);
    }
  },
  bowl(s, m) {
    s.shadow(200, 96, 90);
    lathe(
      s,
      m,
      [
        [124, 338, 1],
        [118, 370],
        [84, 402],
        [66, GROUND, 1],
      ],
      { open: true, inside: '#f6ecd6' },
    );
    for (const [x, y] of [
      [146, 338],
      [204, 344],
      [256, 337],
    ])
      flame(s, x, y, 0.85, 80);
    if (m === 'stone')
      for (let i = 0; i < 12; i += 1)
        s.add('circle', {
          cx: 100 + ((i * 53) % 190),
          cy: 362 + ((i * 17) % 30),
          r: 1.6,
          fill: tones(m).dark,
          opacity: 0.6,
        });
  },
};

/** A candle, burning. */
export const candle = (s, shape, m) => candles[shape](s, m);
