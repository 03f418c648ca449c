/** A JPEG that passes for a thumbnail, byte by byte: tables, a frame header, a scan. Shows nothing. */
export function fakeJpeg(o: { width?: number; height?: number; scan?: Buffer; frame?: number; precision?: number; components?: number; before?: Buffer } = {}): Buffer {
  const components = o.components ?? 3;
  const frame = Buffer.alloc(10 + 3 * components);
  frame.writeUInt16BE(0xff00 | (o.frame ?? 0xc0), 0);
  frame.writeUInt16BE(8 + 3 * components, 2);
  frame.writeUInt8(o.precision ?? 8, 4);
  frame.writeUInt16BE(o.height ?? 180, 5);
  frame.writeUInt16BE(o.width ?? 320, 7);
  frame.writeUInt8(components, 9);
  const table = Buffer.concat([Buffer.of(0xff, 0xdb, 0, 67), Buffer.alloc(65, 3)]);
  const scan = Buffer.concat([Buffer.of(0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0), o.scan ?? Buffer.alloc(2000, 0x5a)]);
  return Buffer.concat([Buffer.of(0xff, 0xd8), o.before ?? Buffer.alloc(0), table, frame, scan, Buffer.of(0xff, 0xd9)]);
}
