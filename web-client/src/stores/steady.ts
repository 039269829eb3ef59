/**
 * What stands under a finger stays there until the finger is lifted. A field that is left by a press says or unsays
 * something as the press begins; were the page to move then, the press would end beside what it was meant for.
 */
import { useState, useSyncExternalStore } from 'react';

/** A touch becomes a click only after the finger was lifted; one that never does is waited for no longer. */
const CLICK_COMES_WITHIN_MS = 400;

let isDown = false;
let lifted: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function set(down: boolean): void {
  clearTimeout(lifted);
  isDown = down;
  for (const listener of listeners) listener();
}

function liftIn(ms: number): void {
  clearTimeout(lifted);
  lifted = setTimeout(() => set(false), ms);
}

/** A menu of the browser's own swallows the end of the press. On a Mac the left button opens it too, with Control. */
const opensMenu = ({ button, ctrlKey }: PointerEvent): boolean =>
  button !== 0 || (ctrlKey && /Mac/.test(navigator.userAgent));

globalThis.addEventListener?.('pointerdown', (press) => set(!opensMenu(press)), true);
// So does another window.
globalThis.addEventListener?.('blur', () => set(false));
globalThis.addEventListener?.('pointerup', () => liftIn(CLICK_COMES_WITHIN_MS), true);
globalThis.addEventListener?.('pointercancel', () => liftIn(0), true);
// What is pressed acts first.
globalThis.addEventListener?.('click', () => liftIn(0), true);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** `value`, but while something is pressed as it was before. */
export function useSteady<T>(value: T): T {
  const pressed = useSyncExternalStore(subscribe, () => isDown);
  const [held, setHeld] = useState(value);
  if (!pressed && held !== value) setHeld(value);
  return pressed ? held : value;
}
