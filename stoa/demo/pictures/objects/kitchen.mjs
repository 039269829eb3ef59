/** Boards and bottles. */
import { box, gleam, grain, lathe, rod, turned } from '../forms.mjs';
import { mix, tones } from '../palette.mjs';
import { GROUND, n } from '../scene.mjs';

const outlines = {
  round: ['M80 296a120 120 0 1 1 240 0a120 120 0 1 1-240 0z', [80, 176, 240, 240]],
  paddle: [
    'M126 214Q126 196 150 192Q184 186 186 164V106Q186 88 200 88T214 106V164Q216 186 250 192Q274 196 274 214V398Q274 416 256 416H144Q126 416 126 398Z',
    [126, 90, 148, 326],
  ],
  long: ['M150 92Q150 76 166 76H234Q250 76 250 92V400Q250 416 234 416H166Q150 416 150 400Z', [150, 76, 100, 340]],
};

/** A board leaning against the wall, or a block lying on the table. */
export function board(s, shape, m) {
  const t = tones(m);
  if (shape === 'square') {
    s.shadow(214, 130, 60, 418);
    box(s, m, 84, 336, 206, 78, 96, { rx: 5 });
    const checks = [];
    for (let x = 0; x < 7; x += 1)
      for (let y = 0; y < 3; y += 1)
        if ((x + y) % 2) checks.push(`M${n(84 + x * 29.4)} ${n(336 + y * 26)}h29.4v26h-29.4z`);
    s.path(checks.join(''), t.dark, { opacity: 0.22 });
    return;
  }
  const [d, area] = outlines[shape];
  s.shadow(200, shape === 'long' ? 50 : 76, 90, 414);
  s.wallShadow('path', { d });
  s.path(d, t.deep, { transform: 'translate(5 1)' }).path(d, s.front(m));
  grain(s, m, d, area, shape === 'long' ? 5 : 8);
  s.path(d, 'none', { stroke: t.shine, 'stroke-width': 2, opacity: 0.5 });
  if (shape === 'paddle') s.add('circle', { cx: 200, cy: 116, r: 7, fill: t.deep });
  if (shape === 'round') s.rect(190, 188, 20, 8, t.deep, { rx: 4, opacity: 0.7 });
  if (shape === 'long') s.line('M163 100V392', t.dark, 4, { opacity: 0.4 });
}

const glassy = (s, m) => {
  const t = tones(m);
  return s.linear(`glass-${m}`, [
    [0, t.dark, 0.5],
    [0.12, t.light, 0.5],
    [0.3, '#ffffff', 0.6],
    [0.5, t.base, 0.4],
    [0.85, t.base, 0.6],
    [1, t.deep, 0.6],
  ]);
};

const bottles = {
  slim(s, m) {
    s.shadow(200, 52, 120);
    lathe(s, m, [
      [26, 172, 1],
      [30, 186],
      [50, 222],
      [52, 260],
      [52, 400],
      [48, GROUND, 1],
    ]);
    lathe(
      s,
      m === 'clay' ? 'black' : 'steel',
      [
        [28, 126, 1],
        [30, 132],
        [30, 172, 1],
      ],
      { lid: true },
    );
    if (m === 'clay') s.line('M172 150C130 130 130 190 172 168', tones('black').base, 7);
    if (m === 'butter') rod(s, 'oak', 180, 122, 220, 122, 7);
    gleam(s, 164, 232, 130, 9, 0.35);
  },
  flask(s, m) {
    s.shadow(200, 66, 110);
    lathe(s, m, [
      [58, 214, 1],
      [64, 226],
      [64, 402],
      [60, GROUND, 1],
    ]);
    lathe(s, 'steel', [
      [58, 206, 1],
      [58, 216, 1],
    ]);
    lathe(
      s,
      m === 'steel' ? 'steel' : 'black',
      [
        [48, 134, 1],
        [52, 142],
        [54, 206, 1],
      ],
      { lid: true },
    );
    lathe(s, 'steel', [
      [64, 388, 1],
      [64, 402],
      [60, GROUND, 1],
    ]);
    s.line('M262 246C310 250 310 356 262 360', tones('black').base, 10);
    gleam(s, 156, 240, 120, 8, 0.3);
  },
  carafe(s, m) {
    s.shadow(200, 66, 110);
    const body = [
      [26, 196, 1],
      [26, 236],
      [50, 280],
      [72, 330],
      [70, 390],
      [58, GROUND, 1],
    ];
    s.path(
      turned(200, [
        [66, 306, 1],
        [72, 334],
        [68, 388],
        [56, 408, 1],
      ]),
      mix(tones(m).light, '#dff0f2', 0.5),
      { opacity: 0.7 },
    );
    s.ellipse(200, 306, 64, 9, '#fff', { opacity: 0.5 });
    s.path(turned(200, body), glassy(s, m));
    s.path(
      turned(200, [
        [34, 132, 1],
        [34, 190],
        [30, 212, 1],
      ]),
      glassy(s, m),
    );
    s.ellipse(200, 132, 34, 4.8, '#fff', { opacity: 0.55 });
    gleam(s, 150, 322, 60, 8, 0.6);
  },
  oil(s, m) {
    s.shadow(200, 56, 110);
    lathe(s, m, [
      [15, 190, 1],
      [16, 232],
      [28, 262],
      [56, 300],
      [58, 390],
      [50, GROUND, 1],
    ]);
    if (m === 'clay')
      lathe(
        s,
        'oak',
        [
          [11, 166, 1],
          [13, 192, 1],
        ],
        { lid: true },
      );
    else {
      lathe(s, 'steel', [
        [13, 176, 1],
        [17, 196, 1],
      ]);
      s.line('M200 178C200 150 224 150 234 138', tones('steel').base, 8);
    }
    gleam(s, 158, 308, 70, 8, 0.38);
    if (m === 'moss')
      s.rect(168, 318, 64, 56, tones('bone').base, { rx: 3 }).line('M180 336h40M180 350h26', tones('moss').dark, 3);
  },
};

/** A bottle, a flask or a carafe. */
export const bottle = (s, shape, m) => bottles[shape](s, m);
