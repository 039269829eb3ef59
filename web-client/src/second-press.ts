/**
 * The second press of a double click is meant for what the first one hit. If that has gone and something else slid into
 * its place, the second press does nothing: a line of the cart would go that nobody pointed at, a question be answered
 * that nobody read.
 */

/** What operating systems by default still take for a double click. */
const DOUBLE_CLICK_MS = 500;
/** How far a hand or a finger strays between the two presses. */
const NEAR_PX = 24;

const CONTROLS = 'a, button, input, label, select, summary, textarea';

interface Press {
  readonly control: Element;
  readonly name: string;
  /** Where on the page it stood. */
  readonly left: number;
  readonly top: number;
  /** Where and when it was pressed. */
  readonly x: number;
  readonly y: number;
  readonly at: number;
}

/** A touch becomes a click only after the finger was lifted. */
const CLICK_COMES_WITHIN_MS = 400;

let last: Press | undefined;
/** The pointer whose press is meant for nothing that is there. */
let stray: number | undefined;
let lifted: ReturnType<typeof setTimeout> | undefined;

function begin(event: PointerEvent): void {
  const { clientX: x, clientY: y, timeStamp: at } = event;
  const control = controlOf(event);
  const first = last && at - last.at < DOUBLE_CLICK_MS && isNear(last, event) ? last : undefined;
  if (first && control && !isMeant(first, control)) {
    clearTimeout(lifted);
    stray = event.pointerId;
    last = { ...first, at };
  } else {
    forgive();
    last = control && { control, name: nameOf(control), ...placeOf(control), x, y, at };
  }
  refuse(event);
}

const controlOf = ({ target }: Event): Element | undefined =>
  (target instanceof Element && target.closest(CONTROLS)) || undefined;

const isNear = ({ x, y }: Press, { clientX, clientY }: MouseEvent): boolean =>
  Math.hypot(clientX - x, clientY - y) <= NEAR_PX;

const nameOf = (control: Element): string => control.getAttribute('aria-label') ?? control.textContent;

/** On the page, not in the window: what was scrolled to is looked at. */
function placeOf(control: Element): { left: number; top: number } {
  const { left, top } = control.getBoundingClientRect();
  return { left: left + scrollX, top: top + scrollY };
}

/** Whether the second press is for `control`: it, or one that does the same, was pressed first, or nothing slid at all. */
function isMeant(first: Press, control: Element): boolean {
  if (first.control.contains(control) || (first.name !== '' && first.name === nameOf(control))) return true;
  const { left, top } = placeOf(first.control);
  return first.control.isConnected && Math.hypot(left - first.left, top - first.top) < 1;
}

/** Fields act when a press begins, links and buttons when it has ended; a click by key has no press and no place. */
function refuse(event: MouseEvent): void {
  if (stray === undefined || (event instanceof PointerEvent && event.pointerId !== stray)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (event.type === 'pointerup') lifted = setTimeout(forgive, CLICK_COMES_WITHIN_MS);
  if (event.type === 'click') forgive();
}

function forgive(): void {
  clearTimeout(lifted);
  stray = undefined;
}

/** Whoever goes elsewhere and comes back means what is there now. */
function wander(event: PointerEvent): void {
  if (last && !isNear(last, event)) last = undefined;
}

/** A key that is held presses again and again, also what has the focus only since its first press. */
let heldOn: EventTarget | null = null;
function hold(event: KeyboardEvent): void {
  if (!event.repeat) forgive();
  if (event.key !== 'Enter') return;
  if (!event.repeat) heldOn = event.target;
  else if (event.target !== heldOn) event.preventDefault();
}

/** To be called before anything else listens. */
export function guardSecondPress(): void {
  addEventListener('pointerdown', begin, true);
  addEventListener('pointermove', wander, true);
  addEventListener('pointercancel', ({ pointerId }) => pointerId === stray && forgive(), true);
  for (const type of ['mousedown', 'pointerup', 'mouseup', 'click'] as const) addEventListener(type, refuse, true);
  addEventListener('keydown', hold, true);
}
