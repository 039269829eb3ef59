/**
 * How much is tried of what multiplies: a part of it, another with each commit, so that the whole verdict comes within
 * eight minutes on two cores; or all of it, with $SIZE=whole.
 */
import { execFileSync } from 'node:child_process';

/** All of it, and pictures of every page besides. */
export const isWhole = sized(process.env.SIZE);

function sized(size: string | undefined): boolean {
  if (size !== undefined && size !== '' && size !== 'whole') throw new Error(`SIZE is whole or nothing, not ${size}`);
  return size === 'whole';
}

/** A number that is the same all through a commit and another in the next; $TURN names it. */
export const turn = Number(process.env.TURN ?? ofCommit());

/** Without a history there is nothing that could vary. */
function ofCommit(): number {
  try {
    const commit = execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd: new URL('.', import.meta.url).pathname,
      stdio: 'pipe',
    });
    return Number.parseInt(commit.toString().slice(0, 7), 16);
  } catch {
    return 0;
  }
}

/** The one of these whose turn it is; `further` tells apart those who ask. */
export const inTurn = <T>(all: readonly T[], further = 0): T => all[(turn + further) % all.length] as T;
