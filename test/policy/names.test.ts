import fc from 'fast-check';
import t from 'tap';
import { isCameraId, slugOf } from '../../src/policy/names.ts';
import { anyCharacter } from '../base/characters.ts';

t.test('names become ids that a person would choose', async (t) => {
  for (const [name, id] of [
    ['Front door', 'front-door'], ['Einfahrt Süd', 'einfahrt-sud'], ['Straße', 'strasse'], ['IPC-1080p (2)', 'ipc-1080p-2'], ['  __Garden__ ', 'garden'],
    ['前門', 'camera'], ['', 'camera'], ['../../etc/passwd', 'etc-passwd'], ['-rf', 'rf'], ['x'.repeat(99), 'x'.repeat(40)], ['10.0.0.2', '10-0-0-2'],
  ] as const) t.equal(slugOf(name, []), id);
});

t.test('an id is given once', async (t) => {
  t.equal(slugOf('Front door', ['front-door']), 'front-door-2');
  t.equal(slugOf('Front door', ['front-door', 'front-door-2']), 'front-door-3');
  t.equal(slugOf('x'.repeat(50), ['x'.repeat(40)]), `${'x'.repeat(38)}-2`);
});

t.test('whatever a camera calls itself, its id is one, and nobody else\'s', async () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: anyCharacter, maxLength: 60 }), { maxLength: 12 }), (names) => {
    const taken: string[] = [];
    for (const name of names) {
      const id = slugOf(name, taken);
      if (!isCameraId(id) || taken.includes(id)) return false;
      taken.push(id);
    }
    return true;
  }));
});

t.test('what is no id', async (t) => {
  for (const text of ['', '-a', 'A', 'a b', 'a/b', '..', 'a.b', 'ä', 'a\n', 'x'.repeat(41), '__proto__']) t.notOk(isCameraId(text), text);
});
