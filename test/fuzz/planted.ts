/** Parsers with known defects. A hunt that does not find them hunts badly. */
import { byteMutators } from './mutate.ts';
import type { Target } from './target.ts';

const common = { corpus: () => [Buffer.from('SIZE\0\0\0\x04abcd')], mutators: byteMutators, bytesMax: 256, longRun: 100_000 };

export const planted: readonly Target[] = [
  {
    ...common, name: 'planted-crash', what: 'trusts a length field',
    read: (bytes) => (bytes.toString('latin1', 0, 4) === 'SIZE' && bytes.length >= 8 ? `read ${bytes.readUInt8(8 + bytes.readUInt32BE(4) - 1) > 0}` : 'refused'),
  },
  {
    ...common, name: 'planted-hang', what: 'a size of zero never ends',
    read: (bytes) => {
      let steps = 0;
      for (let at = 4; at < bytes.length; at += bytes[at] as number) steps++;
      return `read ${Math.min(steps, 3)}`;
    },
  },
  {
    ...common, name: 'planted-greed', what: 'keeps what it was told to make room for',
    read: (() => {
      const kept: Buffer[] = [];
      return (bytes: Buffer): string => {
        if (bytes.length >= 8) kept.push(Buffer.alloc(bytes.readUInt32BE(4) % 2 ** 21, 1));
        return 'read';
      };
    })(),
  },
  { ...common, name: 'planted-death', what: 'ends the process', read: (bytes) => (bytes[4] === 0xff ? String(process.kill(process.pid, 'SIGKILL')) : 'read') },
];
