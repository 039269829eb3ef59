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
  /** How far down the page it stood. */
  readonly top: number;
  readonly x: number;
  readonly y: number;
  readonly at: number;
}

let last: Press | undefined;
let isStray = false;

function begin(event: PointerEvent): void {
  const { clientX: x, clientY: y, timeStamp: at } = event;
  const control = controlOf(event);
  const first = last && at - last.at < DOUBLE_CLICK_MS && isNear(last, event) ? last : undefined;
  isStray = first !== undefined && control !== undefined && !isMeant(first, control);
  if (isStray && first) last = { ...first, at };
  else last = control && { control, name: nameOf(control), top: topOf(control), x, y, at };
  refuse(event);
}

const controlOf = ({ target }: Event): Element | undefined =>
  (target instanceof Element && target.closest(CONTROLS)) || undefined;

const isNear = ({ x, y }: Press, { clientX, clientY }: MouseEvent): boolean =>
  Math.hypot(clientX - x, clientY - y) <= NEAR_PX;

const nameOf = (control: Element): string => control.getAttribute('aria-label') ?? control.textContent;

/** Whether the second press is for `control`: it, or one that does the same, was pressed first, or nothing slid at all. */
const isMeant = (first: Press, control: Element): boolean =>
  first.control.contains(control) || first.name === nameOf(control) || stands(first);

/** Whether what was pressed is where it was on the page, which may have been scrolled since. */
const stands = ({ control, top }: Press): boolean => control.isConnected && Math.abs(topOf(control) - top) < 1;

const topOf = (control: Element): number => control.getBoundingClientRect().top + scrollY;

/** Fields act when a press begins, links and buttons when it has ended; a click by key has no press and no place. */
function refuse(event: MouseEvent): void {
  if (!isStray || (event.type === 'click' && event.detail === 0)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** Whoever goes elsewhere and comes back means what is there now. */
function wander(event: PointerEvent): void {
  if (last && !isNear(last, event)) last = undefined;
}

/** A key that is held presses again and again, also what has the focus only since its first press. */
let heldOn: EventTarget | null = null;
function hold(event: KeyboardEvent): void {
  if (event.key !== 'Enter') return;
  if (!event.repeat) heldOn = event.target;
  else if (event.target !== heldOn) event.preventDefault();
}

/** To be called before anything else listens. */
export function guardSecondPress(): void {
  addEventListener('pointerdown', begin, true);
  addEventListener('pointermove', wander, true);
  for (const type of ['mousedown', 'pointerup', 'mouseup', 'click'] as const) addEventListener(type, refuse, true);
  addEventListener('keydown', hold, true);
}
