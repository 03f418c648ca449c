import t from 'tap';
import { exposition } from '../../src/base/exposition.ts';

t.test('families come with help, type and their samples, as Prometheus reads them', async (t) => {
  t.equal(exposition([
    { name: 'a_bytes', type: 'gauge', help: 'Of\na \\ thing.', samples: [{ value: 1.5 }, { value: undefined }] },
    { name: 'b_total', type: 'counter', help: 'None.', samples: [] },
    { name: 'c', type: 'gauge', help: 'Odd ones.', samples: [{ labels: { camera: 'a"b\\c\nd', stream: 'main' }, value: Infinity }, { value: -Infinity }, { value: Number.NaN }] },
  ]), [
    '# HELP a_bytes Of\\na \\\\ thing.', '# TYPE a_bytes gauge', 'a_bytes 1.5',
    '# HELP b_total None.', '# TYPE b_total counter',
    '# HELP c Odd ones.', '# TYPE c gauge', 'c{camera="a\\"b\\\\c\\nd",stream="main"} +Inf', 'c -Inf', 'c NaN', '',
  ].join('\n'));
});
