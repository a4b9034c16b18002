import { decodeQR } from 'qr/decode.js';

/** Of a photo: more shows nothing more of a code. */
const LONGEST_SIDE = 2_400;
/** For a picture of few dots. */
const SHORTEST_SIDE = 800;

/** What the QR code in a picture says; null if none is found. Nothing leaves the page. */
export async function readQr(file: Blob): Promise<string | null> {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (bitmap === null) return null;
  const side = Math.max(bitmap.width, bitmap.height);
  for (const wanted of [Math.min(LONGEST_SIDE, Math.max(SHORTEST_SIDE, side)), 1_200]) {
    const text = decoded(bitmap, wanted / side);
    if (text !== null) return text;
  }
  return null;
}

function decoded(bitmap: ImageBitmap, scale: number): string | null {
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) return null;
  // What is transparent is paper.
  context.fillStyle = 'white';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  try {
    return decodeQR(context.getImageData(0, 0, canvas.width, canvas.height), { effort: 8, timeLimit: 3_000 });
  } catch {
    return null;
  }
}

export const NO_CODE =
  'No QR code was found in this picture. Take it from straight ahead, with the whole code sharp and its white border in it.';
