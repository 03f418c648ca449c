import t from 'tap';
import { proveFaults } from './courierfaults.ts';

t.test('120 objects through faults and kills: each arrives once and verified, or is named as failed', { timeout: 300_000 }, (t) => proveFaults(t, 120));
