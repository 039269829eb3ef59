/** Lamps on the table and lamps from the ceiling. */
import { lathe, rod, turned } from '../forms.mjs';
import { mix, tones } from '../palette.mjs';
import { GROUND } from '../scene.mjs';

const FOOT = { sage: 'oak', clay: 'walnut', rose: 'oak', moss: 'ash', aegean: 'brass', butter: 'oak', ink: 'brass' };

const shapes = {
  arc(s, m) {
    s.shadow(150, 62, 150);
    s.glow(282, 250, 130, 0.75);
    lathe(
      s,
      m,
      [
        [58, 398, 1],
        [60, 402],
        [60, GROUND, 1],
      ],
      { cx: 150, lid: true },
    );
    rod(s, m, 150, 398, 116, 272, 9);
    rod(s, m, 116, 272, 232, 158, 9);
    s.add('circle', { cx: 116, cy: 272, r: 10, fill: s.ball(m) });
    const turn = { transform: 'translate(236 156) rotate(-32)' };
    s.path('M-20 0C-22 40-58 56-66 96A66 15 0 0 0 66 96C58 56 22 40 20 0A20 7 0 0 0-20 0Z', s.round(m), turn);
    s.ellipse(0, 96, 66, 15, '#fff1c2', turn).ellipse(0, 97, 30, 8, '#fffaf0', turn);
    s.add('circle', { cx: 234, cy: 158, r: 13, fill: s.ball(m) });
  },
  dome(s, m) {
    const foot = FOOT[m] ?? 'oak';
    s.shadow(200, 58, 130);
    s.glow(200, 300, 150, 0.8);
    lathe(s, foot, [
      [7, 250],
      [8, 330],
      [14, 380],
      [52, 400],
      [54, GROUND, 1],
    ]);
    lathe(s, m, [
      [10, 140, 1],
      [56, 156],
      [96, 200],
      [112, 262, 1],
    ]);
    s.ellipse(200, 262, 112, 15.7, tones(m).deep)
      .ellipse(200, 264, 104, 13, '#ffefbd')
      .ellipse(200, 266, 50, 7, '#fffbea');
    s.add('circle', { cx: 200, cy: 134, r: 9, fill: s.ball('brass') });
  },
  globe(s, m) {
    s.shadow(200, 70, 120);
    s.glow(200, 288, 190, 0.85);
    lathe(
      s,
      m === 'bone' ? 'ash' : m,
      [
        [56, 378, 1],
        [62, 392],
        [62, GROUND, 1],
      ],
      { lid: true },
    );
    s.add('circle', {
      cx: 200,
      cy: 282,
      r: 104,
      fill: s.radial(
        'opal',
        [
          [0, '#fffdf4'],
          [0.6, '#fff2d2'],
          [1, '#ecd5ac'],
        ],
        { cx: 0.42, cy: 0.4 },
      ),
    });
  },
  cone(s, m) {
    const foot = FOOT[m] ?? 'oak';
    s.shadow(200, 54, 140);
    s.glow(200, 268, 150, 0.7);
    lathe(s, foot, [
      [7, 260],
      [12, 300],
      [26, 340],
      [14, 372],
      [48, 400],
      [50, GROUND, 1],
    ]);
    lathe(
      s,
      m,
      [
        [48, 140, 1],
        [104, 276, 1],
      ],
      { lid: true },
    );
    if (m === 'rose')
      for (let i = -5; i <= 5; i += 1)
        s.line(`M${200 + i * 8.6} 143L${200 + i * 19} 286`, tones(m).dark, 1.4, { opacity: 0.4 });
    s.ellipse(200, 276, 104, 14.6, '#ffeebb', { opacity: 0.85 });
    if (m === 'ink')
      s.line('M232 284v44', tones('brass').base, 2).add('circle', { cx: 232, cy: 332, r: 5, fill: s.ball('brass') });
  },
  mushroom(s, m) {
    s.shadow(200, 56, 120);
    s.glow(200, 312, 140, 0.8);
    lathe(s, m, [
      [16, 280],
      [18, 340],
      [34, 392],
      [54, GROUND, 1],
    ]);
    s.path('M84 286C84 214 140 186 200 186S316 214 316 286C316 300 264 308 200 308S84 300 84 286Z', s.ball(m));
    s.ellipse(200, 291, 104, 14, tones(m).deep).ellipse(200, 293, 92, 10, '#ffedb8');
  },
  bell(s, m) {
    lathe(s, m, [
      [14, 150, 1],
      [24, 176],
      [52, 206],
      [92, 250],
      [112, 306, 1],
    ]);
  },
  disc(s, m) {
    lathe(s, m, [
      [16, 196, 1],
      [44, 214],
      [120, 250],
      [142, 268, 1],
    ]);
  },
  sphere(s, m) {
    s.add('circle', {
      cx: 200,
      cy: 248,
      r: 104,
      fill: s.radial(
        'lit',
        [
          [0, '#fffdf3'],
          [0.55, mix(tones(m).light, '#fff2d0', 0.6)],
          [1, tones(m).base],
        ],
        { cx: 0.45, cy: 0.45 },
      ),
    });
    if (m === 'chalk')
      for (let i = -4; i <= 4; i += 1)
        s.add('path', {
          d: `M${200 - Math.sqrt(10816 - (i * 22) ** 2)} ${248 + i * 22}Q200 ${262 + i * 24} ${200 + Math.sqrt(10816 - (i * 22) ** 2)} ${248 + i * 22}`,
          fill: 'none',
          stroke: '#c9b893',
          'stroke-width': 1.2,
          opacity: 0.6,
        });
  },
  tube(s, m) {
    lathe(
      s,
      m,
      [
        [38, 150, 1],
        [38, 300, 1],
      ],
      { lid: true },
    );
  },
};

const MOUTH = { bell: [112, 306], disc: [142, 268], tube: [38, 300] };

/** A lamp that stands. */
export const lamp = (s, shape, m) => shapes[shape](s, m);

/** A lamp that hangs: the cable, the light on the table, the shade. */
export function pendant(s, shape, m) {
  const pool = s.radial('pool', [
    [0, '#fff6d8', 0.85],
    [1, '#fff0c0', 0],
  ]);
  s.ellipse(205, 428, 170, 40, pool);
  s.line('M200-4V212', '#2b2c30', 2.6);
  const mouth = MOUTH[shape];
  if (mouth) {
    const [r, y] = mouth;
    const beam = s.linear(
      'beam',
      [
        [0, '#fff2c6', 0.55],
        [1, '#fff2c6', 0],
      ],
      true,
    );
    s.path(`M${200 - r} ${y}L${200 - r - 60} 440H${200 + r + 60}L${200 + r} ${y}Z`, beam);
  } else s.glow(200, 248, 190, 0.85);
  shapes[shape](s, m);
  if (mouth) {
    const [r, y] = mouth;
    s.ellipse(200, y, r, r * 0.14, tones(m).deep)
      .ellipse(200, y + 1, r * 0.93, r * 0.11, '#fff0c0')
      .ellipse(200, y + 2, r * 0.4, r * 0.06, '#fffbea');
  }
  s.path(
    turned(200, [
      [9, 128, 1],
      [11, 140],
      [12, 156, 1],
    ]),
    s.round(shape === 'sphere' ? 'brass' : m === 'brass' ? 'black' : 'brass'),
  );
}
