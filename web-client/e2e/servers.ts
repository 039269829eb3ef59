/** Starts Stoa for the end-to-end tests, in one process or one per service. $E2E_LOGS names a folder for their logs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Shape = 'one' | 'split';

export interface Shop {
  readonly url: string;
  /** What may be killed and revived, by name. */
  readonly processes: readonly string[];
  /** kill -9; the process stays away until it is started again. */
  kill(name: string): Promise<void>;
  /** The same process again, on the same port; resolves when the shop answers. */
  revive(name: string): Promise<void>;
  /** The letters that the shop has written, the oldest first. */
  letters(): Promise<string[]>;
  stop(): Promise<void>;
}

interface Member {
  readonly url: string;
  start(): void;
  /** Resolves when the process says of itself that it can be asked. */
  ready(): Promise<void>;
  end(signal: NodeJS.Signals): Promise<void>;
}

const STOA = process.env.STOA ?? new URL('../../target/debug/stoa', import.meta.url).pathname;
const SERVICES = readdirSync(new URL('../../services', import.meta.url));
const READY_MS_MAX = 30_000;
/** A provider that does not answer is given up soon, for the sake of those who watch. */
const SETTINGS = {
  NO_COLOR: '1',
  // Many visitors come from here at once.
  STOA_RATE_LIMIT: 'off',
  STOA_ORDER__STEP_BUDGET_SECONDS: '12',
  // CreateOrder answers after two seconds; what is to be seen while a payment moves has so long to be seen.
  STOA_PAYMENT__SANDBOX_SLOW_MS: '4500',
};

/** A shop of this shape with the demo data, ready to be visited. */
export const start = (shape: Shape): Promise<Shop> => (shape === 'one' ? oneProcess() : split());

/** A shop that somebody else runs: it can be visited, and nothing else. */
export const running = (url: string): Shop => ({
  url,
  processes: [],
  kill: async () => Promise.reject(new Error(`${url} is not ours to kill`)),
  revive: async () => undefined,
  letters: async () => Promise.reject(new Error(`the mailbox of ${url} is not ours to read`)),
  stop: async () => undefined,
});

async function oneProcess(): Promise<Shop> {
  const data = await dataFolder();
  const stoa = await member('stoa', ['up'], { data });
  return begin(data, { stoa }, stoa.url);
}

async function split(): Promise<Shop> {
  const data = await dataFolder();
  await seed(data);
  const ports = await freePorts(SERVICES.length);
  const peers = Object.fromEntries(
    SERVICES.map((name, i) => [`STOA_PEERS__${name.toUpperCase()}`, `http://127.0.0.1:${ports[i]}`]),
  );
  const members: Record<string, Member> = {};
  for (const [i, name] of SERVICES.entries())
    members[name] = await member(name, ['serve', name], { data, port: ports[i], env: peers });
  const gateway = await member('gateway', ['serve', 'gateway'], { data, env: peers });
  members.gateway = gateway;
  return begin(data, members, gateway.url);
}

/** Starts all of a shop; one that does not come leaves nothing behind. */
async function begin(data: string, members: Record<string, Member>, url: string): Promise<Shop> {
  const begun = shop(data, members, url);
  try {
    for (const one of Object.values(members)) one.start();
    for (const one of Object.values(members)) await one.ready();
    await ready(url);
    return begun;
  } catch (error) {
    await begun.stop();
    throw error;
  }
}

function shop(data: string, members: Record<string, Member>, url: string): Shop {
  const named = (name: string): Member => {
    const found = members[name];
    if (!found) throw new Error(`no process is named ${name}, only ${Object.keys(members).join(', ')}`);
    return found;
  };
  return {
    url,
    processes: Object.keys(members),
    kill: (name) => named(name).end('SIGKILL'),
    async revive(name) {
      named(name).start();
      await named(name).ready();
      await ready(url);
    },
    async letters() {
      const folder = join(data, 'mail');
      const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.eml')) : [];
      return Promise.all(names.sort().map((name) => readFile(join(folder, name), 'utf8')));
    },
    async stop() {
      await Promise.all(Object.values(members).map((one) => one.end('SIGTERM')));
      await rm(data, { recursive: true, force: true });
    },
  };
}

async function member(
  name: string,
  command: readonly string[],
  { data, port, env = {} }: { data: string; port?: number | undefined; env?: Record<string, string> },
): Promise<Member> {
  const [own, admin] = await freePorts(2);
  const at = port ?? own;
  const place = ['--data', data, '--port', String(at), '--admin-port', String(admin)];
  const args = [...command, ...place, '--log', 'warn', '--log-format', 'pretty'];
  let child: ChildProcess | undefined;
  let last = '';
  const note = (chunk: Buffer): void => {
    last = (last + chunk).slice(-4_000);
    if (process.env.E2E_LOGS) appendFileSync(join(process.env.E2E_LOGS, `${name}.log`), chunk);
  };
  return {
    url: `http://localhost:${at}`,
    start() {
      const options = { env: { ...process.env, ...SETTINGS, ...env } };
      const started = spawn(STOA, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
      started.stdout.on('data', note);
      started.stderr.on('data', note);
      started.on('exit', (code) => {
        if (code) console.error(`${name} ended with ${code}:\n${last}`);
      });
      child = started;
    },
    ready: () => comes(`${name} ready`, async () => (await fetch(`http://127.0.0.1:${admin}/readyz`)).ok),
    end: (signal) =>
      new Promise((resolve) => {
        if (!child || child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill(signal);
      }),
  };
}

/** Demo data comes with the first `up` in a folder; the split processes then share it. */
async function seed(data: string): Promise<void> {
  const first = await member('seed', ['up'], { data });
  try {
    first.start();
    await ready(first.url);
  } finally {
    await first.end('SIGTERM');
  }
}

async function dataFolder(): Promise<string> {
  if (!existsSync(STOA)) throw new Error(`no program at ${STOA}: run \`cargo build -p stoa\`, or set $STOA`);
  return mkdtemp(join(tmpdir(), 'stoa-e2e-'));
}

/** Waits until a page can be had: then every service behind it answers. */
async function ready(url: string): Promise<void> {
  const ask = (path: string, body: unknown): Promise<Response> =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  await comes(`the shop at ${url}`, async () => {
    const answers = await Promise.all([
      ask('/stoa.bff.web.v1.WebService/GetCartPage', { items: [{ sku: 'MUG-STR-01', quantity: 1 }] }),
      ask('/stoa.user.v1.AuthService/GetJwks', {}),
    ]);
    return answers.every(({ ok }) => ok);
  });
}

/** Asks until it is so; who cannot be asked yet has not come yet. */
async function comes(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + READY_MS_MAX;
  while (Date.now() < until) {
    if (await isSo().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what}: not there after ${READY_MS_MAX} ms`);
}

/**
 * Ports are out of a block of this worker's own: another one that looks at the same moment would find the same one free,
 * and its shop would be asked in place of ours. All lie below those that the system gives to outgoing connections.
 */
const PORTS = { lowest: 10_000, block: 64, blocks: 340 };
let asked = 0;

async function freePorts(count: number): Promise<number[]> {
  const first = PORTS.lowest + (process.pid % PORTS.blocks) * PORTS.block;
  const free: number[] = [];
  for (let tries = 0; free.length < count && tries < PORTS.block; tries += 1) {
    const port = first + (asked % PORTS.block);
    asked += 1;
    if (await isFree(port)) free.push(port);
  }
  if (free.length < count) throw new Error(`fewer than ${count} ports from ${first} on are free`);
  return free;
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
