/** What leaves the house, on the wire: a quick look. `test/slow/egresslong.test.ts` takes ten minutes for it. */
import t from 'tap';
import { proveEgress } from './egress/scenario.ts';
import { noLan } from './lan.ts';

t.test('nobody is spoken to but who is declared, no name is asked for but theirs, and nothing that was seen here can be read there', { skip: noLan, timeout: 178_000 }, (t) => proveEgress(t, 120));
