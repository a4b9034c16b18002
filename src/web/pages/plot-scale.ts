/** Where points of a plot lie, in per mille of its width and height; the height from the top. */
export interface Plotted {
  x: number;
  y: number;
}

export const WIDTH = 1000;
export const HEIGHT = 100;
/** Room for the dots at the edges. */
const MARGIN_X = 12;
const MARGIN_Y = 8;

/** By time and from zero, so that a small change looks small. */
export function plotted(points: readonly { at: string; value: number }[], top: number): Plotted[] {
  const times = points.map(({ at }) => Date.parse(at));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  return points.map(({ value }, index) => {
    const along = last > first ? ((times[index] ?? first) - first) / (last - first) : 0.5;
    const up = top > 0 ? Math.min(1, value / top) : 0;
    return {
      x: rounded(MARGIN_X + along * (WIDTH - 2 * MARGIN_X)),
      y: rounded(HEIGHT - MARGIN_Y - up * (HEIGHT - 2 * MARGIN_Y)),
    };
  });
}

export function lineThrough(points: readonly Plotted[]): string {
  return points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`).join('');
}

/** A line of no length with round ends: a dot that stays round however the plot is stretched. */
export function dot({ x, y }: Plotted): string {
  return `M${x} ${y}h0`;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
