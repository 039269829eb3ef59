/**
 * Runs the end-to-end tests. With BASE_URL they run against that server alone; without it Stoa is started in both
 * shapes, and the pages are looked at in the first one. Arguments are passed to `node --test`.
 */
import { spawn } from 'node:child_process';
import { oneProcess, split } from './servers.mjs';

const here = (name) => new URL(name, import.meta.url).pathname;
const JOURNEYS = [here('once.test.mjs'), here('purchase.test.mjs')];
const PAGES = [here('states.test.mjs'), here('pages.test.mjs')];

function run(files, env = {}) {
  const args = ['--test', '--test-concurrency=1', '--test-reporter=spec', ...process.argv.slice(2), ...files];
  return new Promise((resolve) => {
    spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: 'inherit' }).on('exit', (code) =>
      resolve(code ?? 1),
    );
  });
}

async function inShape(name, start, files) {
  const shop = await start();
  console.log(`\n${name}: ${shop.url}`);
  try {
    return await run(files, { BASE_URL: shop.url });
  } finally {
    await shop.stop();
  }
}

async function everything() {
  if (process.env.BASE_URL) return run([...JOURNEYS, ...PAGES]);
  const codes = [
    await inShape('one process', oneProcess, [...JOURNEYS, ...PAGES]),
    await inShape('one process per service', split, JOURNEYS),
    await run([here('crash.test.mjs')]),
  ];
  return Math.max(...codes);
}

process.exit(await everything());
