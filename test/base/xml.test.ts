import fc from 'fast-check';
import t from 'tap';
import { escapeXml, find, findAll, findDeep, parseXml, textOf, xmlLengthMax } from '../../src/base/xml.ts';
import { anyCharacter } from './characters.ts';

t.test('XML is a tree of local names; text stays text', async (t) => {
  const root = parseXml('<?xml version="1.0"?><!-- c --><s:Envelope xmlns:s="urn:x"><s:Body a="1"><v>5.10</v><v>00123</v><v>true</v><w> a <![CDATA[<b>]]> </w></s:Body></s:Envelope>');
  t.equal(root.name, 'Envelope');
  t.equal(find(root, 'Body')?.attributes['a'], '1');
  t.strictSame(findAll(find(root, 'Body'), 'v').map(({ text }) => text), ['5.10', '00123', 'true']);
  t.match(textOf(root, 'Body', 'w'), /^a ?<b>$/);
  t.equal(findDeep(root, 'w')?.name, 'w');
  t.equal(textOf(root, 'Body', 'absent', 'deeper'), undefined);
  t.equal(findDeep(undefined, 'x'), undefined);
});

t.test('the five entities and numbers are read, no others', async (t) => {
  t.equal(parseXml('<a>&lt;&gt;&amp;&quot;&apos;</a>').text, '<>&"\'');
  t.throws(() => parseXml('<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'), /document type/);
  t.throws(() => parseXml('<a/><!doctype x>'), /document type/);
  t.equal(parseXml('<a>&unknown;</a>').text, '&unknown;');
});

t.test('numeric references and CDATA', async (t) => {
  t.equal(parseXml('<a>&#38;&#x26;&#128512;&#x1F600;</a>').text, '&&\u{1f600}\u{1f600}');
  t.equal(parseXml('<a>&#0;&#xFFFFFFF;&#55296;&#x110000;</a>').text, '\ufffd&#xFFFFFFF;\ufffd\ufffd', 'what is no character says nothing');
  t.equal(parseXml('<a>&lt;<![CDATA[&lt;<b>]]>&amp;lt;</a>').text, '<&lt;<b>&lt;', 'CDATA is as it stands, and nothing is decoded twice');
  t.equal(parseXml('<a b="&#38;amp;&quot;"/>').attributes['b'], '&amp;"');
});

t.test('what is not well-formed is refused', async (t) => {
  for (const text of ['', 'hello', '<a>', '<a></b>', '<a b=c/>', '<a', '<?xml version="1.0"?>', '\u0000']) t.throws(() => parseXml(text), Error, text);
});

t.test('size, depth and number of elements are bounded', async (t) => {
  t.throws(() => parseXml(`<a>${' '.repeat(xmlLengthMax)}</a>`), /characters of XML/);
  t.doesNotThrow(() => parseXml('<a>'.repeat(60) + '</a>'.repeat(60)));
  t.throws(() => parseXml('<a>'.repeat(5000) + '</a>'.repeat(5000)), /deeper than 64/);
  t.throws(() => parseXml(`<a>${'<b/>'.repeat(5000)}</a>`), /more than 5000 elements/);
  t.throws(() => parseXml(`<a ${Array.from({ length: 300 }, (_, n) => `b${n}="1"`).join(' ')}/>`), /more than 256 attributes at one element/);
  t.throws(() => parseXml(`<a>${'<b c="1" d="2" e="3"/>'.repeat(4000)}</a>`), /more than 10000 attributes/);
  t.throws(() => parseXml(`<a b="${'x'.repeat(70_000)}"/>`), /not closed, or too long/);
  for (const open of ['<!--', '<![CDATA[', '<?x', '<a b="', "<a b='", '<a ']) t.throws(() => parseXml(`<a>${open.repeat(20_000)}`), /not well-formed/, open);
});

t.test('names that mean something to JavaScript do no harm', async (t) => {
  const root = parseXml('<a toString="1"><valueOf>x</valueOf></a>');
  t.equal(textOf(root, 'hasOwnProperty'), undefined);
  t.equal(root.children.length, 1);
  for (const name of ['__proto__', 'constructor', 'prototype']) {
    t.throws(() => parseXml(`<a><${name}>x</${name}></a>`), Error, `${name} is refused`);
    t.throws(() => parseXml(`<a ${name}="x"/>`), Error, `${name} is refused as an attribute`);
  }
  t.equal(Object.prototype.toString.call({}), '[object Object]');
});

t.test('any text comes back from what it was escaped to, less what XML cannot carry', async (t) => {
  fc.assert(fc.property(fc.string({ unit: anyCharacter }), (text) => {
    // oxlint-disable-next-line no-control-regex -- XML 1.0 forbids these characters
    const kept = text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '');
    const root = parseXml(`<a b="${escapeXml(text)}">x${escapeXml(text)}x</a>`);
    t.equal(root.text.replaceAll(/\r\n?/g, '\n'), `x${kept}x`.replaceAll(/\r\n?/g, '\n'));
  }), { numRuns: 300 });
});

t.test('no text makes it hang or throw anything but an Error', async (t) => {
  const piece = fc.oneof(fc.constantFrom('<', '>', '</', '/>', '<a', '<a>', '</a>', '"', '\'', '=', '<!--', '-->', '<![CDATA[', ']]>', '<?', '?>', '&', '&#', ';', ' ', 'x:', '\n'), fc.string({ maxLength: 4 }));
  fc.assert(fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
    try {
      parseXml(pieces.join(''));
    } catch (error) {
      t.type(error, Error);
    }
  }), { numRuns: 500 });
});

t.test('numeric references are characters, once', async (t) => {
  const root = parseXml('<a b="x&#38;y">rtsp://h/?a=1&#38;b=&#x41;&amp;#38;</a>');
  t.equal(root.text, 'rtsp://h/?a=1&b=A&#38;');
  t.equal(root.attributes['b'], 'x&y');
});
