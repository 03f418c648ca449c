/** What comes from the network: XML of cameras, WS-Discovery, addresses, Digest challenges; and the configuration, which anybody may have written. */
import { readFileSync } from 'node:fs';
import { answerChallenge, parseChallenge } from '../../../src/base/digest.ts';
import { Secret } from '../../../src/base/secret.ts';
import { findDeep, parseXml } from '../../../src/base/xml.ts';
import { adoptStreamUri, adoptTarget, judgeXAddrs } from '../../../src/cameras/addresses.ts';
import { addressingHeaders, readEndpoint } from '../../../src/cameras/endpoint.ts';
import { grantedMs } from '../../../src/cameras/granted.ts';
import { messagesMax, readNotifications } from '../../../src/cameras/notifications.ts';
import { signalsOf } from '../../../src/cameras/topics.ts';
import { readCapabilities, readClock, readDevice, readProfiles, readServices, readUri } from '../../../src/cameras/answers.ts';
import { decodeXml } from '../../../src/cameras/charset.ts';
import { readAnnouncement, readMatches } from '../../../src/cameras/probematch.ts';
import { readSoap } from '../../../src/cameras/soap.ts';
import { observationKinds } from '../../../src/policy/observations.ts';
import { streamUrl } from '../../../src/cameras/streamurl.ts';
import { sourceList } from '../../../src/capture/ffmpeg.ts';
import { ConfigErrors, readConfigText } from '../../../src/config.ts';
import { byteMutators, textMutators } from '../mutate.ts';
import { expect, refusal, type Target } from '../target.ts';

const envelope = (body: string): string => '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery">'
  + `<s:Header><a:RelatesTo>urn:uuid:asked</a:RelatesTo></s:Header><s:Body>${body}</s:Body></s:Envelope>`;
const match = envelope('<d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:1</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types>'
  + '<d:Scopes>onvif://www.onvif.org/name/Front%20door onvif://www.onvif.org/hardware/X</d:Scopes><d:XAddrs>http://192.168.1.9/onvif/device_service http://[fe80::1]/x</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches>');
const announced = (kind: string): string => match.replaceAll('ProbeMatches', kind).replace('<d:ProbeMatch>', '').replace('</d:ProbeMatch>', '');
const answers = [
  envelope('<tds:GetDeviceInformationResponse><tds:Manufacturer>M &amp; N</tds:Manufacturer><tds:Model>X</tds:Model><tds:FirmwareVersion>5.10</tds:FirmwareVersion><tds:SerialNumber>00123</tds:SerialNumber><tds:HardwareId>1.0</tds:HardwareId></tds:GetDeviceInformationResponse>'),
  envelope('<trt:GetProfilesResponse><trt:Profiles token="1"><tt:Name>main</tt:Name><tt:VideoEncoderConfiguration><tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>1280</tt:Width><tt:Height>720</tt:Height></tt:Resolution><tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit></tt:RateControl></tt:VideoEncoderConfiguration></trt:Profiles></trt:GetProfilesResponse>'),
  envelope('<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>rtsp://192.168.1.9:554/main?a=1&#38;b=2</tt:Uri></trt:MediaUri></trt:GetStreamUriResponse>'),
  envelope('<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:UTCDateTime><tt:Time><tt:Hour>1</tt:Hour><tt:Minute>2</tt:Minute><tt:Second>3</tt:Second></tt:Time><tt:Date><tt:Year>2026</tt:Year><tt:Month>11</tt:Month><tt:Day>24</tt:Day></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>'),
  envelope('<tds:GetServicesResponse><tds:Service><tds:Namespace>http://www.onvif.org/ver10/media/wsdl</tds:Namespace><tds:XAddr>http://192.168.1.9/onvif/media</tds:XAddr></tds:Service></tds:GetServicesResponse>'),
  envelope('<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">no</s:Text></s:Reason></s:Fault>'),
];
const xmlWords = ['<', '>', '</', '/>', '<a>', '</a>', '<![CDATA[', ']]>', '<!--', '-->', '<?', '?>', '<!DOCTYPE x [<!ENTITY a "b">]>', '&lt;', '&#38;', '&#x0;', '&#99999999;', '&amp;amp;', 'xmlns:x="', '="', '\'', '"', '__proto__', 'constructor', '<s:Envelope>', '<__proto__>', ' token="a"', '\u0000', 'encoding="utf-16"', 'encoding="gb2312"', '\u00ff\u00fe'];

const operations = ['GetDeviceInformation', 'GetProfiles', 'GetStreamUri', 'GetSystemDateAndTime', 'GetServices'];

export const xml: Target = {
  name: 'xml',
  what: 'SOAP answers of cameras (src/base/xml.ts, src/cameras/soap.ts, answers.ts)',
  bytesMax: 16_384,
  longRun: 1_000_000,
  mutators: [...textMutators(xmlWords), ...byteMutators],
  corpus: () => [...answers, match].map((text) => Buffer.from(text)),
  read(bytes) {
    const text = decodeXml(bytes);
    try {
      parseXml(text);
    } catch (error) {
      // Whoever asked wraps it: which camera, which operation.
      expect(error instanceof Error && error.constructor === Error, `XML is refused in words, not by ${String(error)}`);
      return `refused ${(error as Error).message.replaceAll(/\d+|'[^']*'|"[^"]*"/g, '#').slice(0, 60)}`;
    }
    return operations.map((operation) => understand(text, operation)).join(' ');
  },
};

function understand(text: string, operation: string): string {
  let answer;
  try {
    answer = readSoap(text, operation);
  } catch (error) {
    expect(error instanceof Error && error.constructor === Error, `an answer is refused in words, not by ${String(error)}`);
    return '-';
  }
  if (answer.kind === 'fault') return answer.notAuthorized ? 'refused' : 'fault';
  readDevice(answer.response);
  readServices(answer.response);
  readCapabilities(answer.response);
  readUri(answer.response);
  const clock = readClock(answer.response);
  expect(clock === undefined || Number.isFinite(clock), 'a clock is a number');
  return `${readProfiles(answer.response).length}`;
}

export const discovery: Target = {
  name: 'discovery',
  what: 'WS-Discovery answers and announcements (src/cameras/probematch.ts)',
  bytesMax: 20_000,
  longRun: 1_000_000,
  mutators: [...textMutators([...xmlWords, 'http://10.0.0.1/', 'http://127.0.0.1/', 'urn:uuid:asked', 'onvif://www.onvif.org/name/%', '%00', '%zz']), ...byteMutators],
  corpus: () => [match, match.replaceAll('ProbeMatch', 'ResolveMatch'), announced('Hello'), announced('Bye')].map((text) => Buffer.from(text)),
  read(bytes) {
    const { matches, reasons } = readMatches(bytes, '192.168.1.9', { asked: new Set(['urn:uuid:asked']), loopback: false });
    expect(matches.every((one) => one.address === '192.168.1.9'), 'a camera is where its answer came from');
    expect(reasons.every((reason) => reason.length < 1000), 'reasons are short');
    const heard = readAnnouncement(bytes, '192.168.1.9', { loopback: false });
    expect(heard.kind !== 'hello' || (heard.match?.address ?? '192.168.1.9') === '192.168.1.9', 'who announces itself is where its announcement came from');
    expect(heard.kind !== 'left out' || heard.reason.length < 1000, 'reasons are short');
    return `${heard.kind} ${matches.length} ${reasons.map((reason) => reason.replaceAll(/\d+/g, '#').slice(0, 40)).join()}`;
  },
};

const notification = (topic: string, source: string, data: string): string => `<wsnt:NotificationMessage><wsnt:Topic>${topic}</wsnt:Topic><wsnt:Message><tt:Message UtcTime="2026-11-24T05:00:00Z" PropertyOperation="Changed">`
  + `<tt:Source>${source}</tt:Source><tt:Data>${data}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`;
const item = (name: string, value: string): string => `<tt:SimpleItem Name="${name}" Value="${value}"/>`;
const times = '<wsnt:CurrentTime>2026-11-24T05:00:00Z</wsnt:CurrentTime><wsnt:TerminationTime>2026-11-24T05:10:00Z</wsnt:TerminationTime>';

export const events: Target = {
  name: 'events',
  what: 'events of cameras: subscriptions and notification messages (src/cameras/endpoint.ts, granted.ts, notifications.ts, topics.ts)',
  bytesMax: 16_384,
  longRun: 1_000_000,
  mutators: [...textMutators([...xmlWords, 'tns1:', '/', 'RuleEngine', 'Motion', 'IsMotion', 'State', 'true', 'FALSE', 'Deleted', 'Initialized', 'ReferenceParameters', 'classTypes', 'human', 'Value="', 'Name="', '2026-13-99T99:99:99Z', '+99:99']), ...byteMutators],
  corpus: () => [
    envelope(`<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><wsa:Address>http://192.168.1.9/e?a=1&amp;b=2</wsa:Address><wsa:ReferenceParameters><x:Id xmlns:x="urn:x">1</x:Id></wsa:ReferenceParameters></tev:SubscriptionReference>${times}</tev:CreatePullPointSubscriptionResponse>`),
    envelope(`<tev:PullMessagesResponse>${times}${notification('tns1:RuleEngine/CellMotionDetector/Motion', item('VideoSourceConfigurationToken', 'v'), item('IsMotion', 'true'))}</tev:PullMessagesResponse>`),
    envelope(`<tev:PullMessagesResponse>${notification('tnsaxis:CameraApplicationPlatform/ObjectAnalytics/1', '', item('classTypes', 'human') + item('active', '1'))}${notification('tns1:RuleEngine/LineDetector/Crossed', item('Rule', 'r'), item('ObjectId', '5'))}</tev:PullMessagesResponse>`),
  ].map((text) => Buffer.from(text)),
  read(bytes) {
    const text = decodeXml(bytes);
    let root;
    try {
      root = parseXml(text);
    } catch {
      return 'refused';
    }
    const created = findDeep(root, 'CreatePullPointSubscriptionResponse');
    const endpoint = created === undefined ? undefined : readEndpoint(created, text);
    if (endpoint !== undefined) {
      const header = parseXml(`<Header>${addressingHeaders('urn:act', endpoint)}</Header>`);
      expect(header.children.length <= 10 && header.children.every(({ children }) => children.length === 0), 'what is echoed is blocks of text');
    }
    const granted = grantedMs(created ?? root);
    expect(granted === undefined || (granted >= 5000 && granted <= 86_400_000), 'a subscription lasts seconds to a day');
    const { notifications } = readNotifications(findDeep(root, 'PullMessagesResponse') ?? root);
    expect(notifications.length <= messagesMax, 'messages are bounded');
    const signals = notifications.flatMap(signalsOf);
    expect(signals.every(({ kind, source, property }) => observationKinds.includes(kind) && [...source].length <= 40 && property.length < 8192), 'an observation is of a known kind, its words are short');
    return `${endpoint === undefined ? '' : 'endpoint '}${signals.map(({ kind, says }) => `${kind} ${says}`).slice(0, 4).join()}`;
  },
};

const adopted = { host: '192.168.1.9', port: 80, path: '/onvif/device_service' };
const password = 'pass word\'"\\\n%é';

export const address: Target = {
  name: 'address',
  what: 'addresses that cameras give, up to what ffmpeg is told (src/cameras/addresses.ts, streamurl.ts, src/capture/ffmpeg.ts)',
  bytesMax: 4096,
  longRun: 1_000_000,
  mutators: [...textMutators(['\'', '"', '\\', '\n', '\r', '%0a', '%27', '\u0000', 'file:///etc/passwd', 'concat:', 'rtsp://', 'http://', 'user:pass@', '@', '#', '?', '|', 'option x y', '\u202e', '[::1]', ':0', ':99999', '/../', 'ffconcat version 1.0', '\ud800']), ...byteMutators],
  corpus: () => ['rtsp://192.168.1.9:554/main?channel=1&subtype=0', 'rtsp://user:pass@10.0.0.1/a b', 'http://192.168.1.9:8080/onvif/media', 'http://192.168.1.9/onvif/device_service http://[fe80::1]/x', 'rtsp://cam.local/live'].map((text) => Buffer.from(text)),
  read(bytes) {
    const text = bytes.toString();
    const verdict = judgeXAddrs(text, '192.168.1.9', { loopback: false });
    if (verdict.accepted) expect(verdict.xaddrs.every((one) => new URL(one).hostname === '192.168.1.9'), 'no answer leads elsewhere');
    const target = adoptTarget(text, adopted);
    if (target !== undefined) expect(target.host === adopted.host && target.path.startsWith('/') && !/[\r\n\0]/.test(target.path), 'a service is at the adopted address');
    const uri = adoptStreamUri(text, adopted);
    // From the camera's mouth, and from a facts row that somebody altered.
    return [uri, text].map((one) => (one === undefined ? 'none' : told(one))).join(' ');
  },
};

function told(uri: string): string {
  try {
    const list = sourceList('gate', streamUrl(uri, 'us\'er', new Secret(password)), { richProbe: false });
    const lines = list.split('\n');
    expect(lines.length === 7 && lines[0] === 'ffconcat version 1.0' && lines.slice(2).every((line) => line === '' || /^option [a-z_]+ [a-z0-9]+$/.test(line)), 'the list has its own lines only');
    expect(/^file 'rtsp:\/\/[\x21-\x26\x28-\x5b\x5d-\x7e]*'$/.test(lines[1] as string), 'the address cannot leave its quotes');
    return 'listed';
  } catch (error) {
    return refusal(error, ['SP_CAMERA_ADDRESS']);
  }
}

export const digest: Target = {
  name: 'digest',
  what: 'Digest challenges of cameras (src/base/digest.ts)',
  bytesMax: 9000,
  longRun: 1_000_000,
  mutators: [...textMutators(['Digest ', 'realm="', 'nonce="', '"', '\\"', ',', 'qop="auth,auth-int"', 'algorithm=SHA-256-sess', 'stale=true', '\\', '=', 'Basic realm="x"', ' ']), ...byteMutators],
  corpus: () => ['Digest realm="camera", nonce="abc", qop="auth", algorithm=MD5, opaque="x", stale=false', 'Digest realm="a\\"b", nonce="1"', 'Basic realm="x", Digest realm="y", nonce="z", algorithm=SHA-256'].map((text) => Buffer.from(text)),
  read(bytes) {
    const challenge = parseChallenge([bytes.toString('latin1')]);
    if (challenge === undefined) return 'none';
    const answer = answerChallenge(challenge, { username: 'us"er', password: 'secret-password', method: 'GET', uri: '/', count: 1 });
    expect(!answer.includes('secret-password'), 'the password is not in the answer');
    return `${challenge.algorithm} ${challenge.qop ?? ''} ${challenge.stale}`;
  },
};

export const config: Target = {
  name: 'config',
  what: 'the configuration: TOML, its check, and the lines of its problems (src/config.ts, configcheck.ts, configlines.ts)',
  bytesMax: 16_384,
  longRun: 1_000_000,
  mutators: [...textMutators(['[[camera]]', '[keep]', '[record]', '[a.b.c]', '=', '"""', '\'\'\'', '{', '}', '[', ']', '__proto__ = 1', 'constructor.prototype = 1', '"" = 1', 'id = "x"', 'password = "hunter2hunter2"', '1 hour', '9e99 days', '1979-05-27T07:32:00Z', 'inf', 'nan', '\\u0000', '\\UFFFFFFFF', '#', '\u0000', '.', '[['.repeat(40)]), ...byteMutators],
  corpus: () => {
    const example = readFileSync(new URL('../../../config/sallyport.example.toml', import.meta.url));
    const small = 'name = "Home"\ndata = "data"\n[record]\nperiod = "10 seconds"\n[keep]\nfootage = "1 hour"\n[[camera]]\nid = "front"\naddress = "192.168.1.9"\nuser = "admin"\nport = 80\n[[camera]]\nid = "back"\naddress = "cam.local"\nuser = "admin"\nkeep = "2 days"\naudio = false\n';
    return [Buffer.from(small), example.subarray(0, 4000)];
  },
  read(bytes) {
    try {
      const { config: read } = readConfigText('sallyport.toml', bytes);
      expect(read.cameras.every((camera) => /^[a-z0-9][a-z0-9-]{0,39}$/.test(camera.id)), 'a camera id is a folder name');
      expect(Object.getPrototypeOf({}) === Object.prototype && !('x' in {}), 'no prototype was changed');
      return `read ${Math.min(read.cameras.length, 4)}`;
    } catch (error) {
      expect(error instanceof ConfigErrors, `a configuration is refused in words, not by ${String(error)}`);
      const { problems } = error as ConfigErrors;
      expect(problems.length > 0 && problems.length <= 50 && problems.every(({ code }) => code.startsWith('SP_CONFIG_')), 'problems are few and ours');
      expect(!(error as ConfigErrors).message.includes('hunter2hunter2'), 'no problem repeats a value');
      return [...new Set(problems.map((problem) => `${problem.code} ${problem.message.replace(/^[^ ]* /, '').replaceAll(/"[^"]*"|\d+/g, '#').slice(0, 40)}`))].slice(0, 2).join();
    }
  },
};
