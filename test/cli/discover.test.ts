import t from 'tap';
import { foundInWords } from '../../src/cli/discover.ts';

const camera = {
  id: '0a1b2c3d', address: '192.168.1.20', port: 80, path: '/onvif/device_service', name: 'Front door', model: 'X1', sources: ['ws-discovery', 'mdns'], interface: 'eth0', adoptable: true,
};

t.test('what answered, what to do next, who is silent, and why something was left out', async (t) => {
  t.same(foundInWords({
    found: [camera, { ...camera, id: '11111111', address: '192.168.1.3', adoptedAs: 'garden' }, { ...camera, id: '22222222', adoptable: false, note: 'announces a stream; where its ONVIF is, is not known' }],
    leftOut: [{ from: '192.168.1.40', source: 'ws-discovery', reason: 'it is no camera (wsdp:Device pub:Computer)' }],
    silent: [{ ...camera, id: '33333333', address: '192.168.1.9', adoptedAs: 'hall', heardAgoMs: 240_000, gone: true }],
  }), [
    'ID        ADDRESS          NAME        MODEL  FOUND BY             NOTE',
    '0a1b2c3d  192.168.1.20:80  Front door  X1     ws-discovery + mdns',
    '11111111  192.168.1.3:80   Front door  X1     ws-discovery + mdns  adopted as garden',
    '22222222  192.168.1.20:80  Front door  X1     ws-discovery + mdns  announces a stream; where its ONVIF is, is not known',
    '',
    '3 cameras answered, 1 of them to be taken in. Take one in: sallyport adopt ID --user USER',
    '',
    'Heard before, and silent now:',
    'ID        ADDRESS         NAME        MODEL  HEARD      NOTE',
    '33333333  192.168.1.9:80  Front door  X1     4 min ago  said goodbye; adopted as hall',
    '',
    'Left out:',
    '  192.168.1.40 (ws-discovery): it is no camera (wsdp:Device pub:Computer)',
  ]);
});

t.test('when nobody answers, the next step is said', async (t) => {
  const lines = foundInWords({ found: [], leftOut: [] });
  t.equal(lines[0], 'No camera answered.');
  t.match(lines.join('\n'), /--range 192\.168\.1\.0\/24\n.*adopt --address HOST/);
  t.ok(lines.every((line) => line.length <= 100));
  t.match(foundInWords({ found: [{ ...camera, adoptedAs: 'garden' }], leftOut: [] })[3], /^1 camera answered, none of them to be taken in\.$/);
});
