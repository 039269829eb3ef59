/** Chairs and stools. */
import { box, lathe, rod, tube } from '../forms.mjs';
import { mix, tones } from '../palette.mjs';

const legs = (s, wood, top = 322) => {
  rod(s, wood, 160, top - 18, 148, 390, 8);
  rod(s, wood, 240, top - 18, 252, 390, 8);
};
const frontLegs = (s, wood, top = 322) => {
  rod(s, wood, 140, top, 122, 424, 10);
  rod(s, wood, 260, top, 278, 424, 10);
};
/** A seat seen from the front: its top and its front edge. */
const seat = (s, m, { y = 296, half = 78, thick = 14 } = {}) => {
  const t = tones(m);
  const back = half - 18;
  s.path(`M${200 - half} ${y + 26}v${thick}q${half} 14 ${half * 2} 0v${-thick}z`, t.dark);
  s.path(
    `M${200 - back} ${y - 8}Q200 ${y - 18} ${200 + back} ${y - 8}L${200 + half} ${y + 26}Q200 ${y + 44} ${200 - half} ${y + 26}Z`,
    s.linear(`seat-${m}`, [
      [0, t.shine],
      [0.4, t.light],
      [1, t.base],
    ]),
  );
};
const floorShadow = (s) => {
  s.shadow(200, 84, 120, 420);
};

const chairs = {
  shell(s, m) {
    floorShadow(s);
    legs(s, 'oak');
    frontLegs(s, 'oak');
    const t = tones(m);
    s.path(
      'M134 306C126 250 134 196 150 160C160 140 240 140 250 160C266 196 274 250 266 306Q200 284 134 306Z',
      s.linear('shell', [
        [0, t.base],
        [0.25, t.light],
        [0.6, t.base],
        [1, t.dark],
      ]),
    );
    s.path(
      'M150 296C144 250 150 204 162 172C172 158 228 158 238 172C250 204 256 250 250 296Q200 280 150 296Z',
      s.linear('inner', [
        [0, t.dark],
        [0.35, t.base],
        [1, t.light],
      ]),
      { opacity: 0.55 },
    );
    seat(s, m, { half: 80, thick: 12 });
  },
  spindle(s, m) {
    floorShadow(s);
    legs(s, m);
    for (let i = -3; i <= 3; i += 1) rod(s, m, 200 + i * 18, 296, 200 + i * 22, 160 + i * i * 3, 5);
    tube(
      s,
      m,
      m === 'walnut' ? 'M118 206Q134 168 200 166T282 206' : 'M136 300C120 200 132 148 200 146S280 200 264 300',
      10,
    );
    frontLegs(s, m);
    rod(s, m, 132, 372, 268, 372, 6);
    seat(s, m, { half: 82 });
  },
  frame(s, m) {
    const wood = m === 'ash' ? 'ash' : 'oak';
    floorShadow(s);
    rod(s, wood, 150, 148, 146, 392, 10);
    rod(s, wood, 250, 148, 254, 392, 10);
    const t = tones(wood);
    s.path('M144 158Q200 144 256 158V190Q200 178 144 190Z', s.front(wood)).path(
      'M148 226Q200 216 252 226V242Q200 232 148 242Z',
      t.base,
    );
    frontLegs(s, wood);
    rod(s, wood, 134, 372, 266, 372, 6);
    seat(s, m === 'ash' ? 'oat' : m, { half: 82, thick: m === 'ash' ? 10 : 20 });
    if (m === 'ash')
      s.line(
        'M152 290L128 318M168 287L152 328M184 285L176 332M200 284V334M216 285L224 332M232 287L248 328M248 290L272 318',
        tones('oat').dark,
        1.6,
        { opacity: 0.6 },
      );
  },
  lounge(s, m) {
    const t = tones(m);
    s.shadow(200, 140, 70, 424);
    for (const [x, to] of [
      [96, 86],
      [304, 314],
    ])
      rod(s, 'walnut', x, 386, to, 428, 11);
    s.path(
      'M100 330C92 230 104 196 130 188Q200 174 270 188C296 196 308 230 300 330Z',
      s.linear('back', [
        [0, t.base],
        [0.2, t.light],
        [0.6, t.base],
        [1, t.dark],
      ]),
    );
    s.path('M200 182V320', 'none', { stroke: t.dark, 'stroke-width': 2, opacity: 0.35 });
    s.rect(92, 310, 216, 84, t.dark, { rx: 22 });
    s.rect(
      104,
      292,
      192,
      56,
      s.linear('cushion', [
        [0, t.shine],
        [0.4, t.light],
        [1, t.base],
      ]),
      { rx: 22 },
    );
    s.rect(62, 262, 54, 134, s.round(m), { rx: 26 }).rect(
      284,
      262,
      54,
      134,
      s.linear('arm', [
        [0, t.base],
        [0.4, mix(t.base, t.dark, 0.4)],
        [1, t.dark],
      ]),
      { rx: 26 },
    );
    s.line('M74 276Q88 262 104 276', t.shine, 4, { opacity: 0.6 });
    if (m === 'mustard') for (let x = 116; x < 290; x += 12) s.line(`M${x} 200V284`, t.dark, 1.5, { opacity: 0.3 });
  },
};

const stools = {
  three(s, m) {
    s.shadow(200, 80, 110, 416);
    rod(s, m, 200, 286, 206, 384, 10);
    rod(s, m, 152, 284, 124, 420, 12);
    rod(s, m, 248, 284, 276, 420, 12);
    lathe(
      s,
      m,
      [
        [98, 262, 1],
        [98, 276],
        [88, 288, 1],
      ],
      { lid: true },
    );
    s.ellipse(200, 263, 74, 9, tones(m).base, { opacity: 0.5 });
    if (m === 'walnut') s.ellipse(200, 262, 24, 4, tones(m).deep);
  },
  drum(s, m) {
    s.shadow(200, 92, 100);
    lathe(
      s,
      m,
      [
        [82, 250, 1],
        [98, 290],
        [104, 330],
        [98, 372],
        [84, 412, 1],
      ],
      { lid: true },
    );
    const dark = tones(m).dark;
    if (m === 'sand') {
      for (let y = 270; y < 410; y += 16)
        s.line(`M${200 - 94} ${y}q94 20 188 0`, dark, 2.4, {
          opacity: 0.45,
          'stroke-dasharray': '9 7',
          'stroke-dashoffset': y % 32 ? 8 : 0,
        });
    } else if (m === 'teal') {
      for (let x = 140; x <= 260; x += 40)
        s.add('circle', { cx: x, cy: 332, r: 13, fill: tones(m).deep, opacity: 0.8 });
      s.rect(128, 278, 9, 90, '#fff', { rx: 5, opacity: 0.3 });
    }
  },
  bar(s, m) {
    s.shadow(200, 66, 120, 424);
    rod(s, m, 172, 206, 158, 398, 8);
    rod(s, m, 228, 206, 242, 398, 8);
    rod(s, m, 154, 214, 126, 430, 10);
    rod(s, m, 246, 214, 274, 430, 10);
    rod(s, 'steel', 136, 352, 264, 352, 7);
    lathe(
      s,
      m,
      [
        [78, 184, 1],
        [80, 198],
        [70, 212, 1],
      ],
      { lid: true },
    );
  },
  step(s, m) {
    s.shadow(210, 110, 80, 420);
    box(s, m, 150, 212, 132, 24, 60);
    rod(s, m, 160, 238, 150, 418, 12);
    rod(s, m, 272, 238, 282, 418, 12);
    rod(s, m, 314, 216, 322, 392, 10);
    box(s, m, 96, 318, 132, 24, 60);
    rod(s, m, 106, 344, 100, 422, 12);
    rod(s, m, 218, 344, 222, 422, 12);
  },
};

/** A chair seen from the front. */
export const chair = (s, shape, m) => chairs[shape](s, m);

/** A stool seen from the front. */
export const stool = (s, shape, m) => stools[shape](s, m);
