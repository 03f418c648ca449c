/**
 * A segment's key-frame index as the catalogue keeps it: differences as LEB128, about six bytes a key frame instead of some twenty as text.
 * Times do not fall and offsets rise; an entry that breaks this (a camera whose clock went back) is left out.
 */
export type KeyFrames = readonly (readonly [timeMs: number, plainOffset: number])[];

export function packKeyFrames(frames: KeyFrames): Buffer {
  const bytes: number[] = [];
  let last: readonly [number, number] = [0, 0];
  for (const frame of frames) {
    if (frame[0] < last[0] || frame[1] <= last[1]) continue;
    for (const difference of [frame[0] - last[0], frame[1] - last[1]]) {
      let rest = difference;
      for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
      bytes.push(rest);
    }
    last = frame;
  }
  return Buffer.from(bytes);
}

export function unpackKeyFrames(packed: Uint8Array): [number, number][] {
  const numbers: number[] = [];
  let [value, scale] = [0, 1];
  for (const byte of packed) {
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte < 128) {
      numbers.push(value);
      [value, scale] = [0, 1];
    }
  }
  const frames: [number, number][] = [];
  let [timeMs, offset] = [0, 0];
  for (let index = 0; index + 1 < numbers.length; index += 2) {
    timeMs += numbers[index] ?? 0;
    offset += numbers[index + 1] ?? 0;
    frames.push([timeMs, offset]);
  }
  return frames;
}
