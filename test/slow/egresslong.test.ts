import t from 'tap';
import { proveEgress } from './egress/scenario.ts';
import { noLan } from './lan.ts';

t.test('in ten minutes with all that can be on, nothing else leaves the house', { skip: noLan, timeout: 1_600_000 }, (t) => proveEgress(t, 600));
