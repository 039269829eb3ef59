/** Forms that many objects share: turned bodies, boxes, wood, stems. */
import { mix, tones } from './palette.mjs';
import { FLAT, n } from './scene.mjs';

/** A smooth curve through the points; a third element marks a corner. */
export function curve(points) {
  let d = '';
  for (let i = 0; i < points.length - 1; i += 1) {
    const [from, to] = [points[i], points[i + 1]];
    const before = from[2] || i === 0 ? from : points[i - 1];
    const after = to[2] || i + 2 >= points.length ? to : points[i + 2];
    const c1 = [from[0] + (to[0] - before[0]) / 6, from[1] + (to[1] - before[1]) / 6];
    const c2 = [to[0] - (after[0] - from[0]) / 6, to[1] - (after[1] - from[1]) / 6];
    d += `C${n(c1[0])} ${n(c1[1])} ${n(c2[0])} ${n(c2[1])} ${n(to[0])} ${n(to[1])}`;
  }
  return d;
}

/** The outline of a body turned around `cx`; profile points are [radius, y, corner]. */
export function turned(cx, profile) {
  const right = profile.map(([r, y, corner]) => [cx + r, y, corner]);
  const left = profile.map(([r, y, corner]) => [cx - r, y, corner]).reverse();
  const [top, bottom] = [profile[0], profile.at(-1)];
  const cap = (r, x) => `A${n(r)} ${n(r * FLAT)} 0 0 1 ${n(x)} `;
  return `M${n(cx + top[0])} ${n(top[1])}${curve(right)}${cap(bottom[0], cx - bottom[0])}${n(bottom[1])}${curve(left)}${cap(top[0], cx + top[0])}${n(top[1])}Z`;
}

/** Draws a turned body; `open` shows its inside, `lid` closes it with a lit disc. */
export function lathe(scene, material, profile, { cx = 200, open = false, lid = false, fill, inside } = {}) {
  const t = tones(material);
  const [r, y] = profile[0];
  scene.path(turned(cx, profile), fill ?? scene.round(material));
  if (open) {
    scene.ellipse(cx, y, r, r * FLAT, mix(t.light, t.shine, 0.3));
    const wall = Math.min(4, r * 0.12);
    const hole = scene.linear(`in-${material}`, [
      [0, t.deep],
      [1, t.base],
    ]);
    scene.ellipse(cx, y + 0.5, r - wall, (r - wall) * FLAT, inside ?? hole);
  }
  if (lid) scene.ellipse(cx, y, r, r * FLAT, mix(t.base, t.light, 0.7));
}

/** A streak of light on a glazed body. */
export function gleam(scene, x, y, height, width = 9, opacity = 0.4) {
  scene.rect(x, y, width, height, '#fff', { rx: width / 2, opacity });
}

/** A box seen a little from above and from the left: front, top, right side. */
export function box(scene, material, x, y, width, height, depth, { rx = 3, front } = {}) {
  const t = tones(material);
  const [dx, dy] = [depth * 0.7, depth * 0.42];
  scene.path(`M${n(x + width - 2)} ${n(y)}l${n(dx)} ${n(-dy)}v${n(height)}l${n(-dx)} ${n(dy)}z`, t.dark);
  scene.path(
    `M${n(x + 1)} ${n(y + 2)}l${n(dx)} ${n(-dy - 2)}h${n(width - 2)}l${n(-dx)} ${n(dy + 2)}z`,
    mix(t.light, t.shine, 0.35),
  );
  scene.rect(x, y, width, height, front ?? scene.front(material), { rx });
}

/** Grain of wood inside an outline. */
export function grain(scene, material, d, [x, y, width, height], lines = 7) {
  const t = tones(material);
  scene.define('grain', `<clipPath id="grain"><path d="${d}"/></clipPath>`);
  let paths = '';
  for (let i = 0; i < lines; i += 1) {
    const at = x + ((i + 0.5) / lines) * width;
    const bend = 10 + ((scene.seed >> i) % 12);
    paths += `M${n(at)} ${n(y)}q${n(bend)} ${n(height * 0.3)} 0 ${n(height * 0.55)}t${n(bend * 0.4)} ${n(height * 0.5)}`;
  }
  scene.add('path', {
    d: paths,
    fill: 'none',
    stroke: t.dark,
    'stroke-width': 2.2,
    opacity: 0.32,
    'clip-path': 'url(#grain)',
  });
}

/** A leg or a rod between two points, lit along its left edge. */
export function rod(scene, material, x1, y1, x2, y2, width = 9) {
  const t = tones(material);
  const d = `M${n(x1)} ${n(y1)}L${n(x2)} ${n(y2)}`;
  scene.line(d, mix(t.base, t.dark, 0.35), width);
  scene.line(d, t.light, width * 0.3, { transform: `translate(${n(-width * 0.2)} 0)` });
}

/** A bent tube, lit from above. */
export function tube(scene, material, d, width) {
  const t = tones(material);
  scene.line(d, mix(t.base, t.dark, 0.3), width);
  scene.line(d, t.light, width * 0.28, {
    transform: `translate(${n(-width * 0.16)} ${n(-width * 0.16)})`,
    opacity: 0.9,
  });
}

/** A leaf from its stem, pointing along `angle` degrees (0 is up). */
export function leaf(scene, x, y, length, angle, material, width = 0.36) {
  const t = tones(material);
  const w = length * width;
  const turn = `translate(${n(x)} ${n(y)}) rotate(${n(angle)})`;
  const half = (side, fill) =>
    scene.path(`M0 0C${n(side * w)} ${n(-length * 0.25)} ${n(side * w)} ${n(-length * 0.7)} 0 ${n(-length)}Z`, fill, {
      transform: turn,
    });
  half(-1, angle > 20 ? t.base : t.light);
  half(1, angle > 20 ? t.dark : t.base);
}

/** The outline of a whole small leaf, for crowns of many. */
export function leafOutline(x, y, length, degrees, width = 0.3) {
  const angle = (degrees * Math.PI) / 180;
  const at = (dx, dy) =>
    `${Math.round(x + dx * Math.cos(angle) - dy * Math.sin(angle))} ${Math.round(y + dx * Math.sin(angle) + dy * Math.cos(angle))}`;
  const w = length * width;
  return `M${at(0, 0)}Q${at(-w, -length * 0.5)} ${at(0, -length)}Q${at(w, -length * 0.5)} ${at(0, 0)}`;
}

/** A flame with its light. */
export function flame(scene, x, y, size = 1, glow = 90) {
  scene.glow(x, y - 16 * size, glow, 0.8);
  scene.line(`M${n(x)} ${n(y + 3)}v${n(-9 * size)}`, '#3a2b22', 2.4);
  const d = (k) =>
    `M${n(x)} ${n(y - 4 * size)}c${n(-9 * k)} ${n(-6 * k)} ${n(-8 * k)} ${n(-16 * k)} 0 ${n(-30 * k)}c${n(8 * k)} ${n(14 * k)} ${n(9 * k)} ${n(24 * k)} 0 ${n(30 * k)}z`;
  scene.path(d(size), '#ffb13d').path(d(size * 0.6), '#fff3c4');
}
