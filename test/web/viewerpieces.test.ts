import { randomBytes } from 'node:crypto';
import t from 'tap';
import { writeReference } from '../../src/policy/pieces.ts';
import { withPieces } from '../../src/web/viewer/pieces.ts';
import { folderStore } from '../../src/web/viewer/stores.ts';
import { inPieces } from '../outbox/inpieces.ts';

const pieceBytes = 65_535;

/** The files of a store in which this lies. */
function pieces(name: string, bytes: Buffer, told?: number): File[] {
  return inPieces(name, bytes, pieceBytes, told).map(([piece, content]) => new File([Uint8Array.from(content)], piece));
}

t.test('the viewer puts pieces together, whole and in ranges, as the courier takes them apart', async (t) => {
  const bytes = randomBytes(200_000);
  const name = randomBytes(16).toString('hex');
  const object = writeReference({ name, pieceBytes });
  const store = withPieces(folderStore(pieces(name, bytes), 'a folder'));
  t.ok(bytes.equals(await store.get(object)));
  for (const [from, to] of [[0, 1], [65_510, 65_512], [65_511, 65_512], [131_040, 199_999], [199_999, 200_000], [17, 200_000]] as const) t.ok(bytes.subarray(from, to).equals(await store.get(object, { from, to })), `${from} to ${to}`);
  for (const range of [{ from: 0, to: 200_001 }, { from: 200_000, to: 200_001 }]) await t.rejects(store.get(object, range), { code: 'SP_FAR_ANSWER' });
  await t.rejects(store.get(writeReference({ name: randomBytes(16).toString('hex'), pieceBytes })), { code: 'SP_FAR_MISSING' });
});

t.test('a store that spoils what tells the length is not believed', async (t) => {
  const bytes = randomBytes(1000);
  const name = randomBytes(16).toString('hex');
  const object = writeReference({ name, pieceBytes });
  for (const length of [0, 2 ** 27 + 1, 2 ** 45]) await t.rejects(withPieces(folderStore(pieces(name, bytes, length), 'a folder')).get(object), { code: 'SP_FAR_ANSWER' }, String(length));
  // More than lies there: the next piece is missing.
  await t.rejects(withPieces(folderStore(pieces(name, bytes, 2 ** 20), 'a folder')).get(object), { code: 'SP_FAR_MISSING' });
});
