/** Starts Stoa for the end-to-end tests, in one process or one per service. $E2E_LOGS names a folder for their logs. */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const STOA = process.env.STOA ?? new URL('../../target/debug/stoa', import.meta.url).pathname;
const SERVICES = ['user', 'catalog', 'pricing', 'inventory', 'order', 'payment'];
const READY_MS_MAX = 30_000;

/** All of it in one process. */
export async function oneProcess() {
  const data = await dataFolder();
  const stoa = await member('stoa', ['up'], { data });
  await ready(stoa.url);
  return shop(data, { stoa }, stoa.url);
}

/** The gateway and each service by itself. */
export async function split() {
  const data = await dataFolder();
  await seed(data);
  const ports = await freePorts(SERVICES.length);
  const peers = Object.fromEntries(
    SERVICES.map((name, i) => [`STOA_PEERS__${name.toUpperCase()}`, `http://127.0.0.1:${ports[i]}`]),
  );
  const members = {};
  for (const [i, name] of SERVICES.entries())
    members[name] = await member(name, ['serve', name], { data, port: ports[i], env: peers });
  members.gateway = await member('gateway', ['serve', 'gateway'], { data, env: peers });
  await ready(members.gateway.url);
  return shop(data, members, members.gateway.url);
}

function shop(data, members, url) {
  return {
    url,
    /** kill -9, then a pause, then the same process again on the same port. */
    async crash(name, pauseMs = 800) {
      await members[name].end('SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      members[name].start();
      await ready(url);
    },
    async stop() {
      await Promise.all(Object.values(members).map((one) => one.end('SIGTERM')));
      await rm(data, { recursive: true, force: true });
    },
  };
}

async function member(name, command, { data, port, env = {} }) {
  const [own, admin] = await freePorts(2);
  const at = port ?? own;
  const args = [
    ...command,
    '--data',
    data,
    '--port',
    String(at),
    '--admin-port',
    String(admin),
    '--log',
    'warn',
    '--log-format',
    'pretty',
  ];
  let child;
  let last = '';
  const note = (chunk) => {
    last = (last + chunk).slice(-4_000);
    if (process.env.E2E_LOGS) appendFileSync(join(process.env.E2E_LOGS, `${name}.log`), chunk);
  };
  const start = () => {
    child = spawn(STOA, args, { env: { ...process.env, NO_COLOR: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    child.on('exit', (code) => {
      if (code) console.error(`${name} ended with ${code}:\n${last}`);
    });
  };
  const end = (signal) =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', resolve);
      child.kill(signal);
    });
  start();
  return { url: `http://localhost:${at}`, start, end };
}

/** Demo data comes with the first `up` in a folder; the split processes then share it. */
async function seed(data) {
  const first = await member('seed', ['up'], { data });
  await ready(first.url);
  await first.end('SIGTERM');
}

async function dataFolder() {
  if (!existsSync(STOA)) throw new Error(`no program at ${STOA}: run \`cargo build -p stoa\`, or set $STOA`);
  return mkdtemp(join(tmpdir(), 'stoa-e2e-'));
}

/** Waits until a page can be had: then every service behind it answers. */
async function ready(url) {
  const until = Date.now() + READY_MS_MAX;
  const ask = (path, body) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  while (Date.now() < until) {
    const answers = await Promise.allSettled([
      ask('/stoa.bff.web.v1.WebService/GetCartPage', { items: [{ sku: 'MUG-STR-01', quantity: 1 }] }),
      ask('/stoa.user.v1.AuthService/GetJwks', {}),
    ]);
    if (answers.every((answer) => answer.status === 'fulfilled' && answer.value.ok)) return;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  throw new Error(`nothing is ready at ${url} after ${READY_MS_MAX} ms`);
}

async function freePorts(count) {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((resolve) => {
          const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
