import t from 'tap';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { find, parseXml, textOf, type XmlElement } from '../../src/base/xml.ts';
import { addressingHeaders, readEndpoint, type Endpoint } from '../../src/cameras/endpoint.ts';
import { grantedMs, parseCameraTime, secondsDuration } from '../../src/cameras/granted.ts';
import { readSoap } from '../../src/cameras/soap.ts';

function envelope(reference: string, more = ''): string {
  return `<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:v="urn:vendor"${more}><s:Body>`
    + `<CreatePullPointSubscriptionResponse><SubscriptionReference>${reference}</SubscriptionReference></CreatePullPointSubscriptionResponse></s:Body></s:Envelope>`;
}

function endpointOf(xml: string): Endpoint | undefined {
  const answer = readSoap(xml, 'CreatePullPointSubscription');
  return answer.kind === 'fault' ? undefined : readEndpoint(answer.response, xml);
}

/** The header blocks as a strict reader takes them. */
function blocksOf(endpoint: Endpoint | undefined): XmlElement[] {
  return [...parseXml(`<Header>${addressingHeaders('urn:act', endpoint)}</Header>`).children];
}

t.test('a subscription is called by the name that the camera gave it', async (t) => {
  const endpoint = endpointOf(envelope('<wsa:Address> http://10.0.0.9:2020/event-0_2020?a=1&amp;b=2 </wsa:Address>'));
  t.same(blocksOf(endpoint).map(({ name, text }) => [name, text]), [['Action', 'urn:act'], ['To', 'http://10.0.0.9:2020/event-0_2020?a=1&b=2']]);
  for (const address of ['', `http://10.0.0.9/${'x'.repeat(2000)}`]) t.equal(endpointOf(envelope(`<wsa:Address>${address}</wsa:Address>`)), undefined, address.slice(0, 40));
  t.equal(endpointOf(envelope('')), undefined);
});

t.test('reference parameters are echoed with their names and namespaces, wherever these are declared', async (t) => {
  const own = '<wsa:ReferenceParameters><dom0:SubscriptionId xmlns:dom0="http://www.axis.com/2009/event">12</dom0:SubscriptionId><v:Key a="1">a &lt; b &amp; c</v:Key></wsa:ReferenceParameters>';
  const endpoint = endpointOf(envelope(`<wsa:Address>http://10.0.0.9/e</wsa:Address>${own}`));
  t.same(blocksOf(endpoint).slice(2).map(({ name, text }) => [name, text]), [['SubscriptionId', '12'], ['Key', 'a < b & c']]);
  t.match(endpoint?.parameters, '<SubscriptionId xmlns="http://www.axis.com/2009/event"');
  t.match(endpoint?.parameters, '<Key xmlns="urn:vendor"');
  t.match(endpoint?.parameters, 'wsa:IsReferenceParameter="true"');
});

t.test('nothing that a camera puts into its parameters becomes more than text', async (t) => {
  const of = (inner: string): string => endpointOf(envelope(`<wsa:Address>http://10.0.0.9/e</wsa:Address><wsa:ReferenceParameters>${inner}</wsa:ReferenceParameters>`))?.parameters ?? 'none';
  t.equal(of('<v:Deep><v:Er>1</v:Er></v:Deep>'), '<Er xmlns="urn:vendor" xmlns:wsa="http://www.w3.org/2005/08/addressing" wsa:IsReferenceParameter="true">1</Er>');
  t.equal(of('&lt;/Header&gt;'), '');
  t.match(of('<v:K>&lt;Evil&gt;</v:K>'), '>&lt;Evil&gt;<');
  t.equal((of('<v:K>1</v:K>'.repeat(50)).match(/<K /g) ?? []).length, 8);
  t.equal(of(`<v:K>${'x'.repeat(5000)}</v:K>`), '');
});

t.test('a giant reply is not searched', async (t) => {
  const xml = `${envelope('<wsa:Address>http://10.0.0.9/e</wsa:Address>')}${'<x:ReferenceParameters '.repeat(30_000)}`;
  const answer = readSoap(envelope('<wsa:Address>http://10.0.0.9/e</wsa:Address>'), 'CreatePullPointSubscription');
  t.equal(answer.kind === 'response' ? readEndpoint(answer.response, xml)?.parameters : undefined, '');
});

t.test('how long a subscription is granted for is told by the camera\'s own two times', async (t) => {
  const of = (current: string, termination: string): number | undefined => grantedMs(parseXml(`<R><wsnt:CurrentTime>${current}</wsnt:CurrentTime><wsnt:TerminationTime>${termination}</wsnt:TerminationTime></R>`));
  t.equal(of('2018-02-27T18:28:52Z', '2018-02-27T18:29:52Z'), 60_000);
  t.equal(of('1970-01-01T00:00:09', '1970-01-01T00:10:09'), 600_000, 'years off, and without a zone');
  t.equal(of('2026-11-24T05:00:00.25+01:00', '2026-11-24T04:02:00Z'), 120_000, 'by its zones');
  for (const [current, termination] of [['2026-11-24T05:00:00Z', '2026-11-24T05:00:00Z'], ['2026-11-24T05:00:00Z', '2026-11-24T04:00:00Z'], ['2026-11-24T05:00:00Z', '2036-11-24T04:00:00Z'], ['', ''], ['now', 'later']] as const) {
    t.equal(of(current, termination), undefined, `${current} ${termination}`);
  }
  t.equal(grantedMs(parseXml('<R/>')), undefined);
  t.equal(parseCameraTime('2026-13-40T05:00:00Z'), undefined);
});

t.test('durations are sent in seconds: some cameras read minutes as seconds', async (t) => {
  t.equal(secondsDuration(600_000), 'PT600S');
  t.equal(secondsDuration(20_000), 'PT20S');
  t.equal(secondsDuration(1), 'PT1S');
});

const folder = join(import.meta.dirname, '../../../shared/fixtures/onvif');
t.test('subscriptions as recorded', existsSync(folder) ? {} : { skip: 'the recorded answers (../shared/fixtures/onvif) are not here' }, async (t) => {
  const cases = [
    ['hikvision_cam_createpullpointsubscription.xml', '/onvif/Events/PullSubManager_2018-02-27T18:28:52Z_5'],
    ['trendnet_cam_createpullpointsubscription.xml', '/onvif/Events/PullSubManager_2018-02-27T18:36:53Z_0'],
    ['mixed-milesight-axis-hik-_exonvif_create_pull_point_subscription.xml', '/onvif/Events/PullSubManager_20250415T164937Z_0'],
  ] as const;
  for (const [file, path] of cases) {
    const xml = readFileSync(join(folder, file), 'utf8');
    t.match(endpointOf(xml), { to: new RegExp(`^http://[\\d.]+${path}$`), parameters: '' }, file);
    const response = find(parseXml(xml), 'Body', 'CreatePullPointSubscriptionResponse');
    t.ok(textOf(response, 'SubscriptionReference', 'Address'));
    t.equal(response === undefined ? undefined : grantedMs(response), 60_000, file);
  }
});
