/** Sparks that fly for a moment: where a star was taken, and where a tail was cut. There are never more than a few. */

type Spark = { x: number; y: number; dx: number; dy: number; left: number; life: number; colour: string };

const most = 140;

export class Sparks {
  readonly #sparks: Spark[] = [];

  /** `force`: units a second. */
  burst(x: number, y: number, colour: string, count: number, force: number): void {
    for (let i = 0; i < count; i++) {
      const turn = Math.random() * 2 * Math.PI;
      const pace = force * (0.3 + Math.random());
      const life = 0.35 + Math.random() * 0.4;
      const [dx, dy] = [Math.cos(turn) * pace, Math.sin(turn) * pace];
      if (this.#sparks.length >= most) this.#sparks.shift();
      this.#sparks.push({ x, y, dx, dy, left: life, life, colour });
    }
  }

  /** Draws them in the arena's units, `seconds` after the last time. */
  paint(context: CanvasRenderingContext2D, seconds: number): void {
    for (let i = this.#sparks.length - 1; i >= 0; i--) {
      const spark = this.#sparks[i];
      if (!spark) continue;
      spark.left -= seconds;
      if (spark.left <= 0) {
        this.#sparks.splice(i, 1);
        continue;
      }
      spark.x += spark.dx * seconds;
      spark.y += spark.dy * seconds;
      const share = spark.left / spark.life;
      context.globalAlpha = share;
      context.fillStyle = spark.colour;
      const size = 1.5 + 3 * share;
      context.fillRect(spark.x - size / 2, spark.y - size / 2, size, size);
    }
    context.globalAlpha = 1;
  }
}
