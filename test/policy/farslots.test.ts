import t from 'tap';
import type { DestinationConfig, StoreRules } from '../../src/policy/declared.ts';
import { isSamePlace, slotsPlaces, slotsRefusal } from '../../src/policy/farslots.ts';
import { readFarPlace } from '../../src/policy/farplaces.ts';

const home: StoreRules = { send: 'all', slots: 'home', slotsSamePlace: false };
const far: StoreRules = { ...home, slots: 'far', slotsAt: 'keys' };
const dav = (name: string, url: string, store: StoreRules = home): DestinationConfig => ({ name, purpose: 'x', kind: 'webdav', to: { url }, store });
const bucket = (name: string, url: string, one: string): DestinationConfig => ({ name, purpose: 'x', kind: 's3', to: { url, bucket: one }, store: home });
const able = { may: ['put', 'get'], keepsVersions: 'no', overwrites: 'yes' };

t.test('slots go where rules say, once for all that say the same', async (t) => {
  t.same(slotsPlaces([dav('a', 'https://a/', far), dav('b', 'https://b/', far), dav('keys', 'https://k/'), dav('c', 'https://c/', { ...far, slotsAt: 'b' })]), [{ name: 'keys', of: ['a', 'b'] }, { name: 'b', of: ['c'] }]);
  t.same(slotsPlaces([dav('a', 'https://a/')]), []);
});

t.test('what refuses them: another place is not declared, is the same, keeps what is replaced, or was not asked', async (t) => {
  const both = [dav('a', 'https://a/', far), dav('keys', 'https://k/')];
  const place = { name: 'keys', of: ['a'] };
  const table: readonly [string, readonly DestinationConfig[], typeof able | undefined, RegExp | undefined][] = [
    ['all is well', both, able, undefined], ['nothing is known of versions', both, { ...able, keepsVersions: 'unknown' }, undefined], ['not probed', both, undefined, /was not asked/],
    ['versions', both, { ...able, keepsVersions: 'yes' }, /keeps older versions/], ['no overwriting', both, { ...able, overwrites: 'no' }, /does not replace/], ['no right', both, { ...able, may: ['get'] }, /may not put/],
    ['undeclared', [dav('a', 'https://a/', far)], able, /no store that is declared/], ['a messenger', [dav('a', 'https://a/', far), { name: 'keys', purpose: 'x', kind: 'ntfy', to: { url: 'https://k/' } }], able, /no store/],
    ['below the footage', [dav('a', 'https://a/far', far), dav('keys', 'https://a/far/keys')], able, /same place/], ['beside the footage on one server', [dav('a', 'https://a/far', far), dav('keys', 'https://a/keys')], able, undefined],
    ['the owner accepts it', [dav('a', 'https://a/', { ...far, slotsSamePlace: true }), dav('keys', 'https://a/')], able, undefined],
  ];
  for (const [what, destinations, abilities, expected] of table) {
    const refusal = slotsRefusal(place, destinations, abilities);
    if (expected === undefined) t.equal(refusal, undefined, what);
    else t.match(refusal?.reason, expected, what);
  }
});

t.test('one bucket is one place, whatever the prefix; two buckets are two', async (t) => {
  t.ok(isSamePlace(bucket('a', 'https://s3', 'one'), bucket('b', 'https://s3/', 'one')));
  t.notOk(isSamePlace(bucket('a', 'https://s3', 'one'), bucket('b', 'https://s3', 'two')));
  t.notOk(isSamePlace(bucket('a', 'https://s3', 'one'), dav('b', 'https://s3/one')));
});

t.test('where a store is, in one line', async (t) => {
  const table: readonly [string, unknown][] = [
    ['/mnt/copy/', { kind: 'folder', path: '/mnt/copy' }], ['/', { kind: 'folder', path: '/' }], ['https://nas.local:5006/cam', { kind: 'webdav', url: 'https://nas.local:5006/cam' }],
    ['s3:https://s3.example.org/bucket', { kind: 's3', url: 'https://s3.example.org', bucket: 'bucket', prefix: '' }], ['s3:https://s3.example.org:3900/bucket/house/one', { kind: 's3', url: 'https://s3.example.org:3900', bucket: 'bucket', prefix: 'house/one/' }],
    ['s3:https://s3.example.org', undefined], ['https://me:secret@nas/', undefined], ['https://nas/?a=1', undefined], ['ftp://nas/', undefined], ['nas', undefined], ['s3:/x', undefined],
  ];
  for (const [text, expected] of table) t.same(readFarPlace(text), expected, text);
});
