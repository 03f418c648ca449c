import t from 'tap';
import { proveFaults } from './courierfaults.ts';

t.test('1,000 objects through faults and kills: each arrives once and verified, or is named as failed', { timeout: 850_000 }, (t) => proveFaults(t, 1000));
