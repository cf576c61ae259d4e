/**
 * Keys, fingers and mouse as a helm. Keys: arrows or A and D turn, W, up or space boosts. A finger on the left or right half turns for as
 * long as it is there, and becomes a stick when it is dragged; a second finger boosts. A mouse leads the comet, and a button of it boosts.
 */
import { type Helm, idleHelm } from "./helm.ts";

/** Pixels that a finger is dragged before it is a stick. */
const stickPixels = 16;

const turns: Record<string, number> = { ArrowLeft: -1, KeyA: -1, ArrowRight: 1, KeyD: 1 };
const boosts = new Set(["Space", "ArrowUp", "KeyW"]);

type Finger = { startX: number; startY: number; x: number; y: number; isStick: boolean };

export class Controls {
  readonly #surface: HTMLElement;
  readonly #ownPlace: () => { x: number; y: number } | null;
  readonly #keys = new Set<string>();
  readonly #fingers = new Map<number, Finger>();
  #mouse: { x: number; y: number } | null = null;
  #isMouseDown = false;
  #isButtonDown = false;
  readonly #ending = new AbortController();

  /** `ownPlace`: where the own comet is on the surface, in its pixels. */
  constructor(
    surface: HTMLElement,
    boostButton: HTMLElement,
    ownPlace: () => { x: number; y: number } | null,
  ) {
    this.#surface = surface;
    this.#ownPlace = ownPlace;
    const { signal } = this.#ending;
    window.addEventListener("keydown", (event) => this.#press(event), { signal });
    window.addEventListener("keyup", ({ code }) => this.#keys.delete(code), { signal });
    window.addEventListener("blur", () => this.#letGo(), { signal });
    surface.addEventListener("pointerdown", (event) => this.#down(event), { signal });
    surface.addEventListener("pointermove", (event) => this.#move(event), { signal });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"] as const) {
      surface.addEventListener(end, (event) => this.#up(event), { signal });
    }
    surface.addEventListener("pointerleave", () => this.#leave(), { signal });
    surface.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
    boostButton.addEventListener("pointerdown", () => this.#holdButton(true), { signal });
    for (const end of ["pointerup", "pointercancel", "pointerleave", "blur"] as const) {
      boostButton.addEventListener(end, () => this.#holdButton(false), { signal });
    }
  }

  get helm(): Helm {
    const keyTurn = [...this.#keys].reduce((sum, code) => sum + (turns[code] ?? 0), 0);
    const isKeyBoost = [...this.#keys].some((code) => boosts.has(code));
    const [finger, second] = [...this.#fingers.values()];
    const boost = isKeyBoost || this.#isButtonDown || this.#isMouseDown || second !== undefined;
    if (keyTurn !== 0) return { turn: keyTurn, toward: null, boost };
    if (finger?.isStick) {
      return { turn: 0, toward: Math.atan2(finger.y - finger.startY, finger.x - finger.startX), boost };
    }
    if (finger) return { turn: finger.x < this.#surface.clientWidth / 2 ? -1 : 1, toward: null, boost };
    const own = this.#mouse && this.#ownPlace();
    if (!this.#mouse || !own) return { ...idleHelm, boost };
    const [dx, dy] = [this.#mouse.x - own.x, this.#mouse.y - own.y];
    // A mouse on the comet itself says nothing.
    return { turn: 0, toward: Math.hypot(dx, dy) < 18 ? null : Math.atan2(dy, dx), boost };
  }

  stop(): void {
    this.#ending.abort();
    this.#letGo();
  }

  #press(event: KeyboardEvent): void {
    const { code, target } = event;
    if (!(code in turns) && !boosts.has(code)) return;
    if (event.ctrlKey || event.metaKey || event.altKey || isTaken(target, code)) return;
    event.preventDefault();
    this.#keys.add(code);
    // Who takes the keys does not mean the mouse, which lies somewhere.
    this.#mouse = null;
  }

  #down(event: PointerEvent): void {
    const { x, y } = this.#at(event);
    if (event.pointerType === "mouse") {
      this.#mouse = { x, y };
      this.#isMouseDown = true;
      return;
    }
    event.preventDefault();
    this.#mouse = null;
    if (this.#fingers.size >= 4) return;
    try {
      this.#surface.setPointerCapture(event.pointerId);
    } catch {
      // The finger is gone already.
    }
    this.#fingers.set(event.pointerId, { startX: x, startY: y, x, y, isStick: false });
  }

  #move(event: PointerEvent): void {
    const { x, y } = this.#at(event);
    if (event.pointerType === "mouse") {
      this.#mouse = { x, y };
      return;
    }
    const finger = this.#fingers.get(event.pointerId);
    if (!finger) return;
    finger.x = x;
    finger.y = y;
    const way = Math.hypot(x - finger.startX, y - finger.startY);
    if (way > stickPixels) finger.isStick = true;
    // The middle of the stick follows a finger that goes far, so that turning back is near.
    if (way <= 60) return;
    finger.startX = x - ((x - finger.startX) / way) * 60;
    finger.startY = y - ((y - finger.startY) / way) * 60;
  }

  #up(event: PointerEvent): void {
    if (event.pointerType === "mouse") this.#isMouseDown = false;
    else this.#fingers.delete(event.pointerId);
  }

  #leave(): void {
    this.#mouse = null;
    this.#isMouseDown = false;
  }

  #holdButton(isDown: boolean): void {
    this.#isButtonDown = isDown;
  }

  #letGo(): void {
    this.#keys.clear();
    this.#fingers.clear();
    this.#isMouseDown = false;
    this.#isButtonDown = false;
  }

  #at(event: PointerEvent): { x: number; y: number } {
    const { left, top } = this.#surface.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }
}

/** Whether the key belongs to what has the focus: letters to a text field, space and arrows to a button. Not to those of the game. */
function isTaken(target: EventTarget | null, code: string): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest("input, textarea, select, [contenteditable]")) return true;
  if (code !== "Space" && !code.startsWith("Arrow")) return false;
  return target.closest("button, a, summary") !== null && target.closest(".comets") === null;
}
