/** Vases with their stems, and plants in their pots. */
import { gleam, lathe, leaf, leafOutline, tube } from '../forms.mjs';
import { tones } from '../palette.mjs';
import { GROUND, n } from '../scene.mjs';

const stems = {
  branch(s, x, y) {
    s.line(
      `M${x} ${y}C${x - 8} ${y - 70} ${x + 30} ${y - 110} ${x + 20} ${y - 190}M${x + 6} ${y - 70}C${x + 40} ${y - 90} ${x + 56} ${y - 110} ${x + 66} ${y - 140}`,
      '#6b5138',
      3,
    );
    const places = [
      [12, -92, -70],
      [20, -118, 60],
      [22, -140, -60],
      [23, -160, 50],
      [20, -186, -20],
      [46, -108, 95],
      [58, -126, 20],
      [64, -138, 70],
      [4, -62, -75],
    ];
    for (const [dx, dy, angle] of places) leaf(s, x + dx, y + dy, 32, angle, 'sage', 0.5);
  },
  tulip(s, x, y) {
    for (const [dx, dy, bend, m] of [
      [-46, -128, -30, 'coral'],
      [4, -170, 6, 'rose'],
      [52, -136, 36, 'butter'],
    ]) {
      s.line(`M${x} ${y}Q${x + bend * 0.3} ${y - 70} ${x + dx} ${y + dy}`, '#55794a', 4);
      const t = tones(m);
      const at = { transform: `translate(${x + dx} ${y + dy}) rotate(${bend * 0.6})` };
      s.path('M-17-8C-20-36-8-44-8-48L0-38L8-48C8-44 20-36 17-8C12 6-12 6-17-8Z', t.base, at).path(
        'M-8-2C-12-24-6-34 0-40C6-34 12-24 8-2Z',
        t.light,
        at,
      );
    }
    leaf(s, x, y, 110, -24, 'leaf', 0.16);
    leaf(s, x, y, 96, 28, 'leaf', 0.16);
  },
  grass(s, x, y) {
    for (const [dx, dy] of [
      [-62, -150],
      [-30, -186],
      [4, -204],
      [36, -180],
      [70, -144],
    ]) {
      s.line(`M${x} ${y}Q${x + dx * 0.25} ${y - 90} ${x + dx} ${y + dy}`, '#b08d4e', 2);
      s.line(`M${x + dx * 0.72} ${y + dy * 0.8}L${x + dx} ${y + dy}`, '#d9b777', 11, {
        'stroke-dasharray': '2 3.4',
        'stroke-linecap': 'butt',
      });
    }
  },
  single(s, x, y) {
    s.line(`M${x} ${y}C${x - 4} ${y - 60} ${x + 22} ${y - 90} ${x + 14} ${y - 150}`, '#55794a', 3.4);
    leaf(s, x + 6, y - 60, 46, 60, 'leaf', 0.3);
    for (let i = 0; i < 9; i += 1)
      s.ellipse(0, -19, 7, 17, i % 2 ? '#fff8ea' : '#f3e6cf', {
        transform: `translate(${x + 14} ${y - 152}) rotate(${i * 40})`,
      });
    s.add('circle', { cx: x + 14, cy: y - 152, r: 10, fill: '#dba53a' });
  },
};

const vases = {
  amphora: {
    profile: [
      [34, 236, 1],
      [28, 252],
      [34, 272],
      [76, 312],
      [70, 366],
      [34, 400],
      [40, GROUND, 1],
    ],
    stem: 'branch',
    handles: true,
  },
  bottle: {
    profile: [
      [15, 226, 1],
      [14, 262],
      [22, 296],
      [58, 340],
      [58, 384],
      [44, GROUND, 1],
    ],
    stem: 'single',
  },
  bubble: {
    profile: [
      [30, 268, 1],
      [52, 286],
      [44, 312],
      [70, 338],
      [80, 372],
      [50, GROUND, 1],
    ],
    stem: 'tulip',
  },
  cylinder: {
    profile: [
      [56, 244, 1],
      [56, 396],
      [54, GROUND, 1],
    ],
    stem: 'grass',
    flutes: true,
  },
  bowl: {
    profile: [
      [112, 356, 1],
      [104, 378],
      [64, 402],
      [50, GROUND, 1],
    ],
    stem: 'single',
  },
};

/** A vase and what grows out of it. */
export function vase(s, shape, m) {
  const { profile, stem, handles, flutes } = vases[shape];
  const [r, y] = profile[0];
  s.shadow(200, profile.at(-1)[0] + 16, 120);
  if (handles) {
    tube(s, m, 'M172 250C118 244 118 300 134 312', 9);
    tube(s, m, 'M228 250C282 244 282 300 266 312', 9);
  }
  lathe(s, m, profile, { open: true });
  const t = tones(m);
  if (flutes)
    for (let i = -4; i <= 4; i += 1)
      s.line(`M${n(200 + Math.sin(i / 3.1) * 54)} ${y + 10}V${GROUND - 2}`, t.dark, 2.4, { opacity: 0.3 });
  if (m !== 'clay' && !flutes && m !== 'walnut')
    gleam(s, 200 - profile[Math.floor(profile.length / 2)][0] * 0.62, (y + GROUND) / 2, 44, 9, 0.4);
  stems[m === 'ink' ? 'single' : stem](s, shape === 'bowl' ? 176 : 200, y + r * 0.04);
}

const pot = (s, m) => {
  s.shadow(200, 64, 120);
  lathe(
    s,
    m,
    [
      [76, 312, 1],
      [76, 330, 1],
      [70, 332, 1],
      [60, 396],
      [54, GROUND, 1],
    ],
    { open: true, inside: '#4b382b' },
  );
};

const plants = {
  leafy(s, m) {
    pot(s, m);
    s.line(
      'M200 312C196 250 206 200 200 130M200 270C180 240 170 230 150 214M200 240C220 214 240 210 254 190',
      '#5b6a42',
      5,
    );
    const places = [
      [150, 216, 78, -70],
      [154, 214, 84, -24],
      [254, 190, 80, 66],
      [250, 194, 82, 18],
      [200, 250, 84, 88],
      [200, 262, 80, -96],
      [202, 190, 86, -58],
      [202, 184, 86, 50],
      [200, 140, 84, -20],
      [200, 134, 86, 22],
    ];
    for (const [x, y, length, angle] of places)
      leaf(s, x, y, length, angle, angle % 3 ? 'leaf' : 'moss', m === 'ink' ? 0.5 : 0.4);
  },
  snake(s, m) {
    pot(s, m);
    const edge = m === 'mustard' ? '#d9c464' : '#7d9a68';
    for (const [x, height, lean] of [
      [166, 120, -22],
      [236, 130, 24],
      [182, 196, -12],
      [218, 178, 12],
      [200, 232, 2],
    ]) {
      const d = `M${x - 14} 314C${x - 20 + lean} ${314 - height * 0.5} ${x - 8 + lean} ${314 - height * 0.8} ${x + lean} ${314 - height}C${x + 12 + lean} ${314 - height * 0.8} ${x + 18 + lean * 0.6} ${314 - height * 0.5} ${x + 14} 314Z`;
      s.path(
        d,
        s.linear('blade', [
          [0, '#7fa06b'],
          [0.4, '#55784c'],
          [1, '#3d5a3d'],
        ]),
      ).path(d, 'none', { stroke: edge, 'stroke-width': 3 });
    }
  },
  fern(s, m) {
    pot(s, m);
    const up = m === 'aegean' ? 40 : 0;
    const fronds = [
      [-130, -40],
      [-120, -92],
      [-86, -140],
      [-40, -172],
      [10, -186],
      [58, -166],
      [98, -134],
      [126, -86],
      [134, -34],
      [-66, -70],
      [70, -74],
    ];
    fronds.forEach(([dx, dy], i) => {
      const d = `M200 314Q${n(200 + dx * 0.35)} ${n(314 + dy * 1.25 - up)} ${200 + dx} ${n(300 + dy - up * 0.6)}`;
      s.line(d, i % 2 ? '#6f9a5a' : '#4f7a4a', m === 'rose' ? 26 : 22, {
        'stroke-dasharray': '4 3.4',
        'stroke-linecap': 'butt',
      }).line(d, '#3f623c', 2);
    });
  },
  cactus(s, m) {
    pot(s, m);
    const body = (cx, y, r) => {
      lathe(
        s,
        'leaf',
        [
          [r * 0.3, y, 1],
          [r * 0.86, y + r * 0.4],
          [r, y + r * 1.2],
          [r * 0.96, 314, 1],
        ],
        { cx },
      );
      for (const k of [-0.55, 0, 0.55])
        s.line(`M${n(cx + k * r)} ${n(y + r * 0.6)}V308`, '#e9ecc6', 2.2, { 'stroke-dasharray': '0 9', opacity: 0.9 });
    };
    if (m === 'clay') {
      body(200, 120, 36);
      s.line('M232 236H262V190', tones('leaf').base, 24).line('M228 236H256V190', tones('leaf').light, 5, {
        opacity: 0.6,
      });
    } else if (m === 'butter') {
      body(164, 256, 26);
      body(236, 262, 24);
      body(202, 226, 30);
    } else {
      body(200, 224, 58);
      for (const dx of [-14, 4, 18]) s.path(`M${200 + dx} 226l-8-14 8 5 4-9 4 9 8-5-8 14z`, '#f0a3b0');
    }
  },
  olive(s, m) {
    pot(s, m);
    const lemon = m === 'teal';
    s.line(
      'M200 314C194 270 208 240 200 196M200 240C184 220 176 210 166 196M202 226C218 210 226 200 236 188',
      '#7b6248',
      7,
    );
    const crown = { dark: '', base: '', light: '' };
    for (let i = 0; i < 60; i += 1) {
      const angle = i * 2.4;
      const far = Math.sqrt(i / 60);
      const [dx, dy] = [Math.cos(angle) * far * 98, Math.sin(angle) * far * 76];
      const tone = dx + dy < -30 ? 'light' : dx + dy > 30 ? 'dark' : 'base';
      crown[tone] += leafOutline(200 + dx, 172 + dy, lemon ? 38 : 33, ((angle * 57) % 180) - 90, lemon ? 0.6 : 0.4);
    }
    const green = tones(lemon ? 'leaf' : 'sage');
    for (const tone of ['dark', 'base', 'light']) s.path(crown[tone], green[tone]);
    if (lemon)
      for (const [x, y] of [
        [152, 196],
        [228, 172],
        [196, 124],
        [252, 212],
      ])
        s.ellipse(x, y, 13, 16, s.ball('mustard'));
  },
};

/** A plant in a pot of that material. */
export const plant = (s, shape, m) => plants[shape](s, m);
