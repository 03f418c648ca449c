import t from 'tap';
t.test('one', (t) => { t.ok(true); t.equal(1, 2); t.end(); });
t.test('skipped', { skip: 'no folder' }, (t) => { t.end(); });
t.test('three', async (t) => { t.ok(1); throw new Error('boom'); });
t.pass('plain');
