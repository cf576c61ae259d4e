/** Draws what a player sees: the part of the arena around its own comet. */
import type { Sight, View } from "./flight.ts";
import { colourOf, colours, markOf, marks } from "./palette.ts";
import { Sparks } from "./sparks.ts";
import { farSky, glow, mark, nearSky, type Sprite, star } from "./sprites.ts";
import { arenaRadius, mostStars, pathGap } from "./world/rules.ts";

/** Units of the arena that the shorter side of the canvas shows, without a tail, and for each star more. */
const sightUnits = { bare: 600, perStar: 1.6, most: 820 };
/** Points of a tail on the screen at most: its path and the way ahead. */
const mostTailPoints = 320;
/** Pieces of a tail, each a little thinner than the one before. */
const pieces = 6;
/** How far the light of the edge reaches inward, and outward until all is dark. */
const rimUnits = { inward: 46, outward: 150 };
/** Dots of the canvas at most, unless the screen has one dot for each CSS pixel: more cost time and nobody sees them. */
const mostDots = 4_000_000;
/** CSS pixels that the sky moves for each unit that the player moves: the stars behind it, and those in front. */
const pace = { far: 0.1, near: 0.3 };
/** The camera's way from the middle of the arena, at most: it looks ahead of a comet at the edge. */
const mostWay = arenaRadius + 100;
/** CSS pixels until the stars in front repeat. */
const nearSize = 420;
const nameWidth = 128;
const nameCharacters = 24;

export type PainterOptions = { reducedMotion: boolean };

export class Painter {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D | null;
  readonly #isStill: boolean;
  readonly #sparks = new Sparks();
  readonly #glows: Sprite[] = colours.map((colour) => glow(colour));
  readonly #marks: Sprite[] = marks.map((outline) => mark(outline, "#0a0f1e"));
  readonly #star = star("#ffd76a");
  readonly #bigStar = star("#ff9d5c");
  /** The stars in front, a tile; and all behind them in one opaque picture: to copy it is the least that a frame can cost. */
  #sky: { near: Sprite; far: Sprite } | null = null;
  readonly #names = new Map<string, string>();
  /** Lengths of tails as they are drawn: they follow the true ones. */
  readonly #tails = new Map<string, number>();
  readonly #cuts = new Map<string, number>();
  readonly #values = new Uint8Array(mostStars);
  readonly #xs = new Float32Array(mostTailPoints);
  readonly #ys = new Float32Array(mostTailPoints);
  #rim: CanvasGradient | null = null;
  #width = 0;
  #height = 0;
  #density = 1;
  #camera = { x: 0, y: 0, scale: 0 };
  #round = 0;
  #paintedAt = 0;

  constructor(canvas: HTMLCanvasElement, { reducedMotion }: PainterOptions) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    this.#isStill = reducedMotion;
  }

  /** In CSS pixels. More than two dots for each cost a phone more than anybody sees. */
  resize(width: number, height: number, density: number): void {
    const enough = Math.sqrt(mostDots / Math.max(1, width * height));
    this.#width = width;
    this.#height = height;
    this.#density = Math.max(1, Math.min(2, density, enough));
    this.#sky = null;
    this.#canvas.width = Math.max(1, Math.round(width * this.#density));
    this.#canvas.height = Math.max(1, Math.round(height * this.#density));
  }

  /** `names`: what to show for a client id. */
  paint(view: View, names: (id: string) => string, now: number): void {
    const context = this.#context;
    if (!context || this.#width === 0) return;
    const seconds = Math.min(0.1, Math.max(0, (now - this.#paintedAt) / 1000));
    this.#paintedAt = now;
    const own = view.comets.find(({ isSelf }) => isSelf);
    const isNewRound = view.round !== this.#round;
    this.#round = view.round;
    this.#look(own, seconds, isNewRound);
    if (!this.#isStill) this.#notice(view, isNewRound);
    const { x, y, scale } = this.#camera;
    const pixels = this.#density;
    this.#paintSky(context);
    const toScreen = () => {
      const zoom = pixels * scale;
      const [dx, dy] = [(this.#width / 2) * pixels - x * zoom, (this.#height / 2) * pixels - y * zoom];
      context.setTransform(zoom, 0, 0, zoom, dx, dy);
    };
    toScreen();
    this.#paintEdge(context);
    this.#paintStars(context, view, now);
    // The own comet is drawn last, over all others.
    const order = [...view.comets].sort((one, other) => Number(one.isSelf) - Number(other.isSelf));
    for (const comet of order) this.#paintTail(context, comet, seconds);
    context.globalCompositeOperation = "lighter";
    this.#sparks.paint(context, seconds);
    context.globalCompositeOperation = "source-over";
    for (const comet of order) this.#paintHead(context, comet, now);
    context.setTransform(pixels, 0, 0, pixels, 0, 0);
    for (const comet of order) this.#paintName(context, comet, names(comet.id));
    this.#paintMap(context, view);
  }

  /** Where a place of the arena is on the canvas, in CSS pixels. */
  onScreen({ x, y }: { x: number; y: number }): { x: number; y: number } {
    const { scale } = this.#camera;
    return {
      x: (x - this.#camera.x) * scale + this.#width / 2,
      y: (y - this.#camera.y) * scale + this.#height / 2,
    };
  }

  #look(own: Sight | undefined, seconds: number, isJump: boolean): void {
    const shorter = Math.min(this.#width, this.#height);
    if (!own) {
      this.#camera = { x: 0, y: 0, scale: shorter / (2.1 * arenaRadius) };
      return;
    }
    const units = Math.min(sightUnits.most, sightUnits.bare + own.stars * sightUnits.perStar);
    const ahead = this.#isStill ? 0 : 70;
    const scale = shorter / units;
    const x = own.head.x + Math.cos(own.head.heading) * ahead;
    const y = own.head.y + Math.sin(own.head.heading) * ahead;
    const isFar = Math.hypot(x - this.#camera.x, y - this.#camera.y) > 500;
    const share = isJump || isFar || this.#isStill ? 1 : 1 - Math.exp(-seconds * 7);
    const zoom = this.#camera.scale === 0 || isJump || this.#isStill ? 1 : 1 - Math.exp(-seconds * 3);
    this.#camera = {
      x: this.#camera.x + (x - this.#camera.x) * share,
      y: this.#camera.y + (y - this.#camera.y) * share,
      scale: this.#camera.scale + (scale - this.#camera.scale) * zoom,
    };
  }

  /** Sparks for what has changed since the last picture. */
  #notice({ comets, stars }: View, isNewRound: boolean): void {
    for (let slot = 0; slot < mostStars; slot++) {
      const value = stars.value[slot] ?? 0;
      const isTaken = value === 0 && (this.#values[slot] ?? 0) > 0;
      this.#values[slot] = value;
      if (!isTaken || isNewRound) continue;
      const [x, y] = [stars.x[slot] ?? 0, stars.y[slot] ?? 0];
      const taker = comets.find(({ head }) => Math.hypot(head.x - x, head.y - y) < 90);
      if (taker) this.#sparks.burst(x, y, colourOf(taker.slot), 6, 70);
    }
    forgetMany(this.#cuts);
    for (const { id, cuts, cutBy, slot, head } of comets) {
      if (head.isBoosting) this.#sparks.burst(head.x, head.y, colourOf(slot), 1, 60);
      const before = this.#cuts.get(id);
      this.#cuts.set(id, cuts);
      const cutter = comets.find((comet) => comet.slot === cutBy);
      if (before === undefined || before === cuts || isNewRound || !cutter) continue;
      this.#sparks.burst(cutter.head.x, cutter.head.y, colourOf(slot), 26, 190);
      this.#sparks.burst(cutter.head.x, cutter.head.y, "#ffffff", 8, 120);
    }
  }

  #paintSky(context: CanvasRenderingContext2D): void {
    const { x, y } = this.#isStill ? { x: 0, y: 0 } : this.#camera;
    const margin = this.#isStill ? 0 : Math.ceil(mostWay * pace.far);
    this.#sky ??= {
      near: nearSky(nearSize, this.#density),
      far: farSky(this.#width + 2 * margin, this.#height + 2 * margin, this.#density),
    };
    const { near, far } = this.#sky;
    // Dots are copied as they are: between two places of the grid each would have to be mixed from four.
    context.setTransform(1, 0, 0, 1, 0, 0);
    const dots = (pixels: number) => Math.round(pixels * this.#density);
    const back = (at: number) => dots(-margin - Math.min(margin, Math.max(-margin, at * pace.far)));
    context.drawImage(far, back(x), back(y));
    const size = near.width;
    const front = (at: number) => -(((dots(at * pace.near) % size) + size) % size);
    for (let tx = front(x); tx < this.#canvas.width; tx += size) {
      for (let ty = front(y); ty < this.#canvas.height; ty += size) context.drawImage(near, tx, ty);
    }
  }

  /** The edge, and beyond it space that grows darker. Nothing, where it is out of sight. */
  #paintEdge(context: CanvasRenderingContext2D): void {
    const { x, y, scale } = this.#camera;
    const [wide, high] = [this.#width / 2 / scale, this.#height / 2 / scale];
    if (Math.hypot(Math.abs(x) + wide, Math.abs(y) + high) < arenaRadius - rimUnits.inward) return;
    this.#rim ??= rimOf(context);
    context.fillStyle = this.#rim;
    context.beginPath();
    context.rect(x - wide, y - high, 2 * wide, 2 * high);
    context.arc(0, 0, arenaRadius - rimUnits.inward, 0, 7);
    context.fill("evenodd");
    context.strokeStyle = "rgba(150, 195, 255, 0.85)";
    context.lineWidth = 2.5;
    context.beginPath();
    context.arc(0, 0, arenaRadius, 0, 7);
    context.stroke();
  }

  #paintStars(context: CanvasRenderingContext2D, { stars }: View, now: number): void {
    const { x, y, scale } = this.#camera;
    const [wide, high] = [this.#width / 2 / scale + 30, this.#height / 2 / scale + 30];
    context.globalCompositeOperation = "lighter";
    for (let slot = 0; slot < mostStars; slot++) {
      const value = stars.value[slot] ?? 0;
      const [sx, sy] = [stars.x[slot] ?? 0, stars.y[slot] ?? 0];
      if (value === 0 || Math.abs(sx - x) > wide || Math.abs(sy - y) > high) continue;
      const pulse = this.#isStill ? 1 : 1 + 0.14 * Math.sin(now / 260 + slot * 1.7);
      const size = (value > 2 ? 46 : value > 1 ? 38 : 32) * pulse;
      context.drawImage(value > 2 ? this.#bigStar : this.#star, sx - size / 2, sy - size / 2, size, size);
    }
    context.globalCompositeOperation = "source-over";
  }

  /** The points of the tail from its head backwards, in `#xs` and `#ys`. Says how many. */
  #trace({ id, head, path, ahead, tail }: Sight, seconds: number): number {
    forgetMany(this.#tails);
    const before = this.#tails.get(id) ?? tail;
    const grown = before + Math.sign(tail - before) * Math.min(Math.abs(tail - before), seconds * 220);
    const shown = tail < before - 60 ? tail : grown;
    this.#tails.set(id, shown);
    let count = 0;
    let [lastX, lastY] = [head.x, head.y];
    let left = shown;
    const add = (x: number, y: number): boolean => {
      const way = Math.hypot(x - lastX, y - lastY);
      const share = way > left ? left / way : 1;
      lastX += (x - lastX) * share;
      lastY += (y - lastY) * share;
      left -= way;
      this.#xs[count] = lastX;
      this.#ys[count] = lastY;
      count += 1;
      return left > 0 && count < mostTailPoints;
    };
    this.#xs[0] = head.x;
    this.#ys[0] = head.y;
    count = 1;
    for (let i = ahead.length - 2; i >= 0; i--) {
      const point = ahead[i];
      if (point && !add(point.x, point.y)) return count;
    }
    for (let i = path.xs.length - 1; i >= 0; i--) {
      if ((path.first + i) * pathGap >= head.travel) continue;
      if (!add(path.xs[i] ?? 0, path.ys[i] ?? 0)) return count;
    }
    return count;
  }

  #paintTail(context: CanvasRenderingContext2D, comet: Sight, seconds: number): void {
    const count = this.#trace(comet, seconds);
    const colour = colourOf(comet.slot);
    context.lineCap = "round";
    // Its points lie so close that nobody sees a corner, and round ones cost.
    context.lineJoin = "bevel";
    const strokes = [
      { colour, alpha: comet.head.isBoosting ? 0.14 : 0.07, width: 46, isLight: true },
      { colour, alpha: comet.head.isBoosting ? 0.22 : 0.12, width: 27, isLight: true },
      { colour, alpha: 0.9, width: 10, isLight: false },
      { colour: "#ffffff", alpha: 0.4, width: 3.4, isLight: true },
    ];
    for (const { colour, alpha, width, isLight } of strokes) {
      context.globalCompositeOperation = isLight ? "lighter" : "source-over";
      context.strokeStyle = colour;
      context.globalAlpha = comet.isGhost ? alpha * 0.35 : alpha;
      // Light that lies over itself would show where the pieces meet.
      if (isLight) this.#strokePiece(context, 0, count - 1, width * 0.8);
      else this.#strokeTapered(context, count, width);
    }
    context.globalCompositeOperation = "source-over";
    context.globalAlpha = comet.isGhost ? 0.25 : 0.85;
    this.#paintBeads(context, comet);
    context.globalAlpha = 1;
  }

  #strokeTapered(context: CanvasRenderingContext2D, count: number, width: number): void {
    for (let piece = 0; piece < pieces; piece++) {
      const from = Math.floor((piece * (count - 1)) / pieces);
      const to = Math.floor(((piece + 1) * (count - 1)) / pieces);
      this.#strokePiece(context, from, to, width * (1 - (0.7 * piece) / pieces));
    }
  }

  #strokePiece(context: CanvasRenderingContext2D, from: number, to: number, width: number): void {
    if (to <= from) return;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(this.#xs[from] ?? 0, this.#ys[from] ?? 0);
    for (let i = from + 1; i <= to; i++) context.lineTo(this.#xs[i] ?? 0, this.#ys[i] ?? 0);
    context.stroke();
  }

  /** The comet's mark, along its tail: it stays where it is in space. */
  #paintBeads(context: CanvasRenderingContext2D, { slot, path, head, tail }: Sight): void {
    const sprite = this.#marks[slot];
    if (!sprite) return;
    for (let i = 0; i < path.xs.length; i++) {
      const number = path.first + i;
      const behind = head.travel - number * pathGap;
      if (number % 4 !== 0 || behind < 30 || behind > tail - 12) continue;
      const size = 8.5 - 3.5 * (behind / tail);
      context.drawImage(sprite, (path.xs[i] ?? 0) - size / 2, (path.ys[i] ?? 0) - size / 2, size, size);
    }
  }

  #paintHead(context: CanvasRenderingContext2D, comet: Sight, now: number): void {
    const { x, y, heading, isBoosting } = comet.head;
    const halo = this.#glows[comet.slot];
    const badge = this.#marks[comet.slot];
    const size = isBoosting ? 92 : 70;
    context.globalAlpha = comet.isGhost ? 0.3 : 0.9;
    context.globalCompositeOperation = "lighter";
    if (halo) context.drawImage(halo, x - size / 2, y - size / 2, size, size);
    context.globalCompositeOperation = "source-over";
    context.globalAlpha = comet.isGhost ? 0.4 : 1;
    context.fillStyle = colourOf(comet.slot);
    context.beginPath();
    // Round in front, and drawn out into the tail.
    context.arc(x, y, 13, heading - Math.PI / 2, heading + Math.PI / 2);
    context.lineTo(x - Math.cos(heading) * 24, y - Math.sin(heading) * 24);
    context.fill();
    if (badge) context.drawImage(badge, x - 7.5, y - 7.5, 15, 15);
    if (comet.isSelf) {
      context.strokeStyle = "#ffffff";
      context.lineWidth = 2;
      context.beginPath();
      context.arc(x, y, 16.5, heading - 1.25, heading + 1.25);
      context.stroke();
    }
    if (comet.isSafe && !comet.isGhost) {
      context.strokeStyle = "rgba(255, 255, 255, 0.55)";
      context.lineWidth = 1.5;
      context.setLineDash([5, 5]);
      context.lineDashOffset = this.#isStill ? 0 : -now / 40;
      context.beginPath();
      context.arc(x, y, 24, 0, 7);
      context.stroke();
      context.setLineDash([]);
    }
    context.globalAlpha = 1;
  }

  #paintName(context: CanvasRenderingContext2D, comet: Sight, name: string): void {
    const { x, y } = this.onScreen(comet.head);
    if (x < -60 || y < -30 || x > this.#width + 60 || y > this.#height + 30) return;
    context.font = `600 ${this.#width < 500 ? 11 : 13}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "top";
    const text = this.#clipped(context, name);
    const top = y + 24 * this.#camera.scale + 3;
    context.globalAlpha = comet.isGhost ? 0.45 : 0.92;
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.strokeStyle = "rgba(5, 7, 15, 0.85)";
    context.strokeText(text, x, top);
    context.fillStyle = comet.isSelf ? "#ffffff" : colourOf(comet.slot);
    context.fillText(text, x, top);
    context.globalAlpha = 1;
  }

  /** As much of the name as there is room for. */
  #clipped(context: CanvasRenderingContext2D, name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const letters = [...name].slice(0, nameCharacters + 1);
    const isolated = (text: string) => `\u2068${text}\u2069`;
    let text = isolated(name);
    if (letters.length > nameCharacters || context.measureText(text).width > nameWidth) {
      do {
        letters.pop();
        text = isolated(`${letters.join("")}…`);
      } while (letters.length > 1 && context.measureText(text).width > nameWidth);
    }
    if (this.#names.size > 64) this.#names.clear();
    this.#names.set(name, text);
    return text;
  }

  /** The whole arena, small, in a corner. */
  #paintMap(context: CanvasRenderingContext2D, view: View): void {
    const size = this.#width < 500 ? 34 : 48;
    const [middleX, middleY] = [size + 12, this.#height - size - 12];
    context.globalAlpha = 0.75;
    context.fillStyle = "#0b1226";
    context.strokeStyle = "rgba(120, 170, 255, 0.6)";
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(middleX, middleY, size, 0, 7);
    context.fill();
    context.stroke();
    context.fillStyle = "rgba(255, 215, 106, 0.5)";
    const at = (x: number, y: number, dot: number) => {
      const [px, py] = [middleX + (x / arenaRadius) * size, middleY + (y / arenaRadius) * size];
      context.fillRect(px - dot / 2, py - dot / 2, dot, dot);
    };
    for (let slot = 0; slot < mostStars; slot++) {
      if ((view.stars.value[slot] ?? 0) > 0) at(view.stars.x[slot] ?? 0, view.stars.y[slot] ?? 0, 1.5);
    }
    context.globalAlpha = 1;
    for (const comet of view.comets) {
      context.fillStyle = comet.isSelf ? "#ffffff" : colourOf(comet.slot);
      const px = middleX + (comet.head.x / arenaRadius) * size;
      const py = middleY + (comet.head.y / arenaRadius) * size;
      context.setTransform(
        this.#density * 3.4,
        0,
        0,
        this.#density * 3.4,
        px * this.#density,
        py * this.#density,
      );
      context.fill(outlineOf(comet.slot));
      context.setTransform(this.#density, 0, 0, this.#density, 0, 0);
    }
  }
}

function rimOf(context: CanvasRenderingContext2D): CanvasGradient {
  const { inward, outward } = rimUnits;
  const rim = context.createRadialGradient(0, 0, arenaRadius - inward, 0, 0, arenaRadius + outward);
  const edge = inward / (inward + outward);
  rim.addColorStop(0, "rgba(110, 165, 255, 0)");
  rim.addColorStop(edge, "rgba(110, 165, 255, 0.34)");
  rim.addColorStop(edge + (1 - edge) * 0.35, "rgba(20, 30, 80, 0.5)");
  rim.addColorStop(1, "rgba(2, 3, 9, 0.78)");
  return rim;
}

/** Ids come from other players: what is remembered of them stays little. */
function forgetMany(memory: Map<string, number>): void {
  if (memory.size > 64) memory.clear();
}

const outlines = new Map<number, Path2D>();

function outlineOf(slot: number): Path2D {
  const outline = outlines.get(slot) ?? new Path2D(markOf(slot));
  outlines.set(slot, outline);
  return outline;
}
