/** Weighs what a visitor downloads, and fails when a page has grown too heavy. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const FIRST_KB_MAX = 200;
const ROUTE_KB_MAX = 40;
const FONTS_KB_MAX = 60;
const [target = 'dist'] = process.argv.slice(2);

const manifest = JSON.parse(await readFile(join(target, 'assets', 'manifest.json'), 'utf8'));
const weigh = async (file) => gzipSync(await readFile(join(target, file)), { level: 9 }).length / 1024;

/** The scripts that a module pulls in before it runs. */
function scriptsOf(key, seen = new Set()) {
  const chunk = manifest[key];
  if (!chunk || seen.has(chunk.file)) return seen;
  seen.add(chunk.file);
  for (const next of chunk.imports ?? []) scriptsOf(next, seen);
  return seen;
}

const sum = async (files) => (await Promise.all([...files].map(weigh))).reduce((all, one) => all + one, 0);

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const shell = scriptsOf(entry);
const rows = [];
const pages = Object.values(manifest).flatMap(({ file, dynamicImports = [] }) =>
  shell.has(file) ? dynamicImports : [],
);
for (const page of new Set(pages)) {
  const own = [...scriptsOf(page)].filter((file) => !shell.has(file));
  rows.push({ what: page, kb: await sum(own), max: ROUTE_KB_MAX });
}
rows.unshift({ what: 'first route (shell, front page, search)', kb: await sum(shell), max: FIRST_KB_MAX });

const assets = join(target, 'assets');
const fonts = (await readdir(assets)).filter((name) => name.endsWith('.woff2'));
const fontBytes = (await Promise.all(fonts.map((name) => stat(join(assets, name))))).reduce(
  (all, file) => all + file.size,
  0,
);
rows.push({ what: 'fonts', kb: fontBytes / 1024, max: FONTS_KB_MAX });

const heavy = rows.filter((row) => row.kb > row.max);
for (const { what, kb, max } of rows) console.log(`${kb.toFixed(1).padStart(7)} KB of ${max}  ${what}`);
if (heavy.length > 0) {
  console.error(`too heavy: ${heavy.map((row) => row.what).join(', ')}`);
  process.exit(1);
}
