import t from 'tap';
import { escapeXml, find, findAll, findDeep, parseXml, textOf, xmlBytesMax } from '../../src/base/xml.ts';

t.test('a tree of local names, whose text stays text', async (t) => {
  const root = parseXml('<?xml version="1.0"?><s:Envelope xmlns:s="urn:s"><s:Body><d:Firmware d:kind="5.10">5.10</d:Firmware><d:Serial> 00123 </d:Serial><d:Serial>1e3</d:Serial></s:Body></s:Envelope>');
  t.equal(root.name, 'Envelope');
  t.equal(textOf(root, 'Body', 'Firmware'), '5.10');
  t.equal(find(root, 'Body', 'Firmware')?.attributes['kind'], '5.10');
  t.same(findAll(find(root, 'Body'), 'Serial').map((element) => element.text), ['00123', '1e3']);
  t.equal(findDeep(root, 'Serial')?.text, '00123');
  t.equal(findDeep(root, 'Nothing'), undefined);
  t.equal(textOf(root, 'Nothing', 'Serial'), undefined);
});

t.test('the XML of a stranger that costs too much is refused', async (t) => {
  for (const [what, xml] of [
    ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ['a document type in small letters', '<!doctype a><a/>'],
    ['too deep', `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`],
    ['too many elements', `<a>${'<b/>'.repeat(30_000)}</a>`],
    ['too long', `<a>${'x'.repeat(xmlBytesMax)}</a>`],
    ['not closed', '<a><b></a>'],
    ['nothing', ''],
    ['no XML', 'HTTP/1.1 200 OK'],
  ] as const) t.throws(() => parseXml(xml), Error, what);
});

t.test('names that mean something to JavaScript are only names', async (t) => {
  let root;
  try {
    root = parseXml('<a><constructor>x</constructor><toString y="1"/></a>');
  } catch {
    t.pass('refused');
  }
  t.equal(Object.prototype.toString.call({}), '[object Object]');
  if (root !== undefined) t.equal(textOf(root, 'constructor'), 'x');
});

t.test('what is escaped comes back the same, without what XML cannot carry', async (t) => {
  const said = `<&>"' é \u{1f4f7}`;
  t.equal(parseXml(`<a b="${escapeXml(said)}">${escapeXml(said)}</a>`).text, said);
  t.equal(escapeXml('a\u0000b\u001bc\uffff'), 'abc');
});
