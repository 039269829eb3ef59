/** Headphones and speakers. */
import { box, grain, lathe, rod, tube } from '../forms.mjs';
import { mix, tones } from '../palette.mjs';
import { GROUND, n } from '../scene.mjs';

const PAD = { bone: 'oak', rose: 'plum', aegean: 'navy', walnut: 'black', clay: 'walnut', moss: 'black', black: 'ink' };

const cups = (s, m, left, right, y, h) => {
  const pad = tones(PAD[m] ?? 'black');
  const metal = tones('steel');
  for (const [x, side] of [
    [left, 1],
    [right, -1],
  ]) {
    s.line(`M${x} ${y - h * 0.75}V${y - h * 0.3}`, metal.base, 7);
    s.rect(x + (side > 0 ? 6 : -34), y - h / 2 + 6, 28, h - 12, pad.base, { rx: 14 }).rect(
      x + (side > 0 ? 10 : -30),
      y - h / 2 + 12,
      6,
      h - 24,
      pad.light,
      { rx: 3, opacity: 0.5 },
    );
    s.rect(x - 18, y - h / 2, 32, h, s.round(m), { rx: 15 });
    s.add('circle', { cx: x - 2, cy: y + h * 0.3, r: 3, fill: tones(m).shine });
  }
};

const pairs = {
  over(s, m) {
    s.shadow(124, 34, 120, 410);
    s.shadow(276, 34, 70, 410);
    const band = tones(PAD[m] ?? 'black');
    tube(s, 'steel', 'M120 300C112 130 288 130 280 300', 9);
    s.line('M142 210C160 152 240 152 258 210', band.dark, 26).line('M146 200C166 150 234 150 252 196', band.light, 4, {
      opacity: 0.7,
    });
    cups(s, m, 120, 280, 342, 126);
  },
  stand(s, m) {
    s.shadow(200, 78, 110);
    lathe(
      s,
      m === 'walnut' ? 'walnut' : 'oak',
      [
        [74, 400, 1],
        [74, GROUND, 1],
      ],
      { lid: true },
    );
    rod(s, 'brass', 200, 400, 200, 140, 10);
    lathe(
      s,
      m === 'walnut' ? 'walnut' : 'oak',
      [
        [46, 132, 1],
        [46, 142],
        [40, 150, 1],
      ],
      { lid: true },
    );
    const band = tones(PAD[m] ?? 'black');
    tube(s, 'steel', 'M122 250C104 96 296 96 278 250', 8);
    s.line('M152 148C170 112 230 112 248 148', band.dark, 22).line('M156 140C172 110 228 110 244 138', band.light, 4, {
      opacity: 0.6,
    });
    cups(s, m, 122, 278, 276, 118);
  },
};

/** Headphones, standing or on their stand. */
export const headphones = (s, shape, m) => pairs[shape](s, m);

const driver = (s, cx, cy, r) => {
  s.add('circle', { cx, cy, r: r + 5, fill: tones('black').dark });
  s.add('circle', {
    cx,
    cy,
    r,
    fill: s.radial(
      'cone',
      [
        [0, '#55585f'],
        [0.7, '#2c2e33'],
        [1, '#1d1e22'],
      ],
      { cx: 0.4, cy: 0.35 },
    ),
  });
  s.add('circle', { cx, cy, r: r * 0.36, fill: s.ball('black') });
};

const dots = (s, x, y, w, h, color) => {
  for (let row = 0; row < h / 14; row += 1)
    s.line(`M${n(x + (row % 2) * 5)} ${n(y + row * 14)}h${w}`, color, 4, { 'stroke-dasharray': '0 10', opacity: 0.55 });
};

const speakers = {
  shelf(s, m) {
    s.shadow(206, 88, 110, 416);
    box(s, m, 122, 150, 148, 264, 64, { rx: 6 });
    if (m === 'walnut') grain(s, m, 'M122 150H270V414H122Z', [122, 150, 148, 264], 6);
    if (m === 'chalk') {
      s.rect(132, 162, 128, 240, tones('oat').base, { rx: 6 });
      let mesh = '';
      for (let y = 172; y < 400; y += 9) mesh += `M138 ${y}h116`;
      s.line(mesh, tones('oat').dark, 3, { 'stroke-dasharray': '3 3', opacity: 0.35, 'stroke-linecap': 'butt' });
      s.add('circle', { cx: 196, cy: 388, r: 3, fill: '#e0785a' });
      return;
    }
    driver(s, 196, 216, 26);
    driver(s, 196, 326, 56);
    s.add('circle', { cx: 196, cy: 216, r: 31, fill: 'none', stroke: tones('brass').base, 'stroke-width': 3 });
  },
  cylinder(s, m) {
    s.shadow(200, 72, 120);
    lathe(
      s,
      m,
      [
        [70, 202, 1],
        [74, 214],
        [74, 398],
        [68, GROUND, 1],
      ],
      { lid: true },
    );
    dots(s, 140, 250, 122, 138, tones(m).deep);
    s.ellipse(200, 202, 46, 6.4, tones(m).dark, { opacity: 0.6 });
    s.line('M256 214C296 226 300 268 268 280', tones('walnut').base, 8);
    s.rect(142, 224, 8, 170, '#fff', { rx: 4, opacity: 0.22 });
  },
  cube(s, m) {
    s.shadow(206, 104, 90, 416);
    s.line('M136 240C140 176 268 176 282 232', tones('walnut').base, 9);
    box(s, m, 104, 254, 184, 158, 66, { rx: 14 });
    s.rect(118, 270, 104, 126, mix(tones(m).dark, tones('oat').base, 0.5), { rx: 8 });
    dots(s, 128, 282, 86, 106, tones(m).deep);
    s.add('circle', { cx: 255, cy: 300, r: 20, fill: s.ball('brass') });
    s.line('M255 300l8-12', tones('brass').deep, 3);
    s.rect(236, 346, 40, 22, '#26302f', { rx: 4 });
    s.line('M243 357h10M259 357h10', '#b9e0b4', 3);
  },
};

/** A speaker or a radio. */
export const speaker = (s, shape, m) => speakers[shape](s, m);
