/** Pictures that are drawn once and stamped many times: light costs little so. */

export type Sprite = HTMLCanvasElement;

function sprite(size: number, paint: (context: CanvasRenderingContext2D, middle: number) => void): Sprite {
  const canvas = document.createElement("canvas");
  canvas.width = size;
  canvas.height = size;
  const context = canvas.getContext("2d");
  if (context) paint(context, size / 2);
  return canvas;
}

/** A soft light. */
export function glow(colour: string, size = 96): Sprite {
  return sprite(size, (context, middle) => {
    const light = context.createRadialGradient(middle, middle, 0, middle, middle, middle);
    light.addColorStop(0, `${colour}ff`);
    light.addColorStop(0.25, `${colour}88`);
    light.addColorStop(0.6, `${colour}22`);
    light.addColorStop(1, `${colour}00`);
    context.fillStyle = light;
    context.fillRect(0, 0, size, size);
  });
}

/** A star with four rays. */
export function star(colour: string, size = 64): Sprite {
  return sprite(size, (context, middle) => {
    context.drawImage(glow(colour, size), 0, 0);
    context.translate(middle, middle);
    context.fillStyle = "#fffdf2";
    context.beginPath();
    for (let i = 0; i < 8; i++) {
      const far = i % 2 === 0 ? middle * 0.62 : middle * 0.16;
      const turn = (i * Math.PI) / 4;
      context.lineTo(Math.cos(turn) * far, Math.sin(turn) * far);
    }
    context.fill();
  });
}

/** A mark in a square of this many pixels. */
export function mark(outline: string, colour: string, size = 32): Sprite {
  return sprite(size, (context, middle) => {
    context.translate(middle, middle);
    context.scale(middle * 0.9, middle * 0.9);
    context.fillStyle = colour;
    context.fill(new Path2D(outline));
  });
}

/** Scatters stars over squares of `size` CSS pixels that repeat, all over the picture. `light`: how bright they are. */
function scatter(
  context: CanvasRenderingContext2D,
  { size, count, light, seed }: { size: number; count: number; light: number; seed: number },
  [width, height]: readonly [number, number],
): void {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < count; i++) {
    const big = next() ** 6;
    const tint = next();
    context.globalAlpha = light * (0.25 + 0.75 * next());
    context.fillStyle = tint < 0.15 ? "#ffd9a8" : tint < 0.4 ? "#a9c8ff" : "#ffffff";
    const [firstX, firstY] = [next() * size, next() * size];
    for (let x = firstX; x < width; x += size) {
      for (let y = firstY; y < height; y += size) {
        context.beginPath();
        context.arc(x, y, 0.5 + 1.3 * big, 0, 7);
        context.fill();
      }
    }
  }
  context.globalAlpha = 1;
}

/** The stars in front: a square that repeats, in CSS pixels. `density`: dots for each. */
export function nearSky(size: number, density: number): Sprite {
  return sprite(Math.round(size * density), (context) => {
    context.scale(density, density);
    scatter(context, { size, count: 70, light: 0.9, seed: 7 }, [size, size]);
  });
}

/** All that is far away: space, faint clouds of colour, small stars. Opaque. */
export function farSky(width: number, height: number, density: number): Sprite {
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const context = canvas.getContext("2d", { alpha: false });
  if (!context) return canvas;
  context.scale(density, density);
  context.fillStyle = "#05070f";
  context.fillRect(0, 0, width, height);
  const larger = Math.max(width, height) * 1.5;
  context.drawImage(clouds(256), (width - larger) / 2, (height - larger) / 2, larger, larger);
  scatter(context, { size: 512, count: 130, light: 0.5, seed: 11 }, [width, height]);
  return canvas;
}

/** Faint clouds of colour for the whole arena. */
function clouds(size: number): Sprite {
  return sprite(size, (context, middle) => {
    const cloud = (x: number, y: number, far: number, colour: string) => {
      const light = context.createRadialGradient(x, y, 0, x, y, far);
      light.addColorStop(0, colour);
      light.addColorStop(1, `${colour.slice(0, 7)}00`);
      context.fillStyle = light;
      context.fillRect(0, 0, size, size);
    };
    cloud(middle * 0.7, middle * 0.6, middle * 0.9, "#27348a66");
    cloud(middle * 1.4, middle * 1.2, middle * 0.8, "#5a237055");
    cloud(middle * 0.8, middle * 1.5, middle * 0.7, "#0f5a6a44");
    cloud(middle * 1.3, middle * 0.5, middle * 0.5, "#7a3b2433");
  });
}
