// From a picture to the small square that the network takes, as cifarlab makes it with Pillow: the centre square,
// made smaller by an antialiased bicubic filter, in bytes after each step.
"use strict";

const MAX_PIXELS = 100e6;

// Pillow's bicubic filter, a = -0.5; its support is 2 pixels.
function cubic(distance) {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

// For each of `size` pixels: the first of those it is made of, and their weights, which sum to 1.
// `length` may be no whole number: blocks at the edge may be cut, and Pillow counts them as parts.
function weightsOf(length, size, most) {
  const scale = length / size;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: size }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - 2 * stretch + 0.5));
    const end = Math.min(most, Math.trunc(centre + 2 * stretch + 0.5));
    const raw = [];
    for (let at = first; at < end; at += 1) raw.push(cubic((at - centre + 0.5) / stretch));
    const sum = raw.reduce((total, each) => total + each, 0);
    return { first, weights: raw.map((each) => each / sum) };
  });
}

// A square of (side, side, 3) bytes to (size, size, 3): along the rows, rounded to bytes, then along the columns.
function bicubic(pixels, side, size, length) {
  const parts = weightsOf(length, size, side);
  const rows = new Uint8ClampedArray(side * size * 3); // (side, size, 3)
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const { first, weights } = parts[x];
      for (let channel = 0; channel < 3; channel += 1) {
        let sum = 0;
        for (let k = 0; k < weights.length; k += 1) sum += weights[k] * pixels[(y * side + first + k) * 3 + channel];
        rows[(y * size + x) * 3 + channel] = Math.floor(sum + 0.5);
      }
    }
  }
  const made = new Uint8ClampedArray(size * size * 3);
  for (let y = 0; y < size; y += 1) {
    const { first, weights } = parts[y];
    for (let at = 0; at < size * 3; at += 1) {
      let sum = 0;
      for (let k = 0; k < weights.length; k += 1) sum += weights[k] * rows[(first + k) * size * 3 + at];
      made[y * size * 3 + at] = Math.floor(sum + 0.5);
    }
  }
  return made;
}

// Mean of blocks of factor x factor pixels, those at the right and lower edge cut: Pillow's `reduce`, whose division
// by a fixed-point reciprocal rounds down once in a while, and so must this.
function reduced({ pixels, columns, rows }, factor) {
  const [across, down] = [Math.ceil(columns / factor), Math.ceil(rows / factor)];
  const made = new Uint8ClampedArray(across * down * 3);
  for (let y = 0; y < down; y += 1) {
    const bottom = Math.min(rows, (y + 1) * factor);
    for (let x = 0; x < across; x += 1) {
      const right = Math.min(columns, (x + 1) * factor);
      const count = (bottom - y * factor) * (right - x * factor);
      const reciprocal = Math.floor(Math.fround(2 ** 24 / count)); // of 24 bits
      const sums = [0, 1, 2].map(() => Math.floor(count / 2));
      for (let row = y * factor; row < bottom; row += 1) {
        for (let column = x * factor; column < right; column += 1) {
          const at = (row * columns + column) * 3;
          for (let channel = 0; channel < 3; channel += 1) sums[channel] += pixels[at + channel];
        }
      }
      const to = (y * across + x) * 3;
      for (let channel = 0; channel < 3; channel += 1) made[to + channel] = Math.floor((sums[channel] * reciprocal) / 2 ** 24);
    }
  }
  return { pixels: made, columns: across, rows: down };
}

// Pillow decodes a large JPEG at a half, a quarter or an eighth of its size, as long as 4 * size pixels are left.
// Means of blocks are nearly that.
function draftFactor(width, height, size) {
  const scale = Math.min(Math.floor(width / (4 * size)), Math.floor(height / (4 * size)));
  return [8, 4, 2].find((factor) => scale >= factor) ?? 1;
}

function centreOf({ pixels, columns, rows }) {
  const side = Math.min(columns, rows);
  const [left, top] = [Math.floor((columns - side) / 2), Math.floor((rows - side) / 2)];
  const made = new Uint8ClampedArray(side * side * 3);
  for (let y = 0; y < side; y += 1) {
    const begin = ((top + y) * columns + left) * 3;
    made.set(pixels.subarray(begin, begin + side * 3), y * side * 3);
  }
  return { pixels: made, columns: side, rows: side };
}

// A square to (size, size, 3) bytes, in two steps where it is made much smaller: Pillow's reducing_gap of 4.
function resized(square, size) {
  const side = square.columns;
  if (side === size) return square.pixels;
  const factor = Math.max(1, Math.floor(side / size / 4));
  const small = factor === 1 ? square : reduced(square, factor);
  return bicubic(small.pixels, small.columns, size, side / factor);
}

function withoutAlpha(rgba) {
  const made = new Uint8ClampedArray((rgba.length / 4) * 3);
  for (let at = 0, to = 0; at < rgba.length; at += 4, to += 3) {
    made[to] = rgba[at];
    made[to + 1] = rgba[at + 1];
    made[to + 2] = rgba[at + 2];
  }
  return made;
}

// The centre square of anything that can be drawn, over white, as (size, size, 3) bytes.
function squareOf(source, width, height, size, isJpeg) {
  if (width * height > MAX_PIXELS) {
    throw new Error(`The picture has ${width} x ${height} pixels: at most 100 million can be read here.`);
  }
  const brush = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  brush.fillStyle = "white";
  brush.fillRect(0, 0, width, height);
  brush.drawImage(source, 0, 0);
  let picture = { pixels: withoutAlpha(brush.getImageData(0, 0, width, height).data), columns: width, rows: height };
  const factor = isJpeg ? draftFactor(width, height, size) : 1;
  if (factor > 1) picture = reduced(picture, factor);
  return resized(centreOf(picture), size);
}

// A file's small square. The browser turns it upright, and its colours are left as they are in the file.
async function squareOfFile(file, size) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  } catch {
    throw new Error(`${file.name || "This"} is no picture that this browser can read: expected JPEG, PNG, WebP or GIF.`);
  }
  try {
    return squareOf(bitmap, bitmap.width, bitmap.height, size, file.type === "image/jpeg");
  } finally {
    bitmap.close();
  }
}
