import t from 'tap';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { find, findAll, parseXml, type XmlElement } from '../../src/base/xml.ts';
import { decodeXml } from '../../src/cameras/charset.ts';
import { messagesMax, readNotifications } from '../../src/cameras/notifications.ts';
import { kindOfTopic, signalsOf } from '../../src/cameras/topics.ts';

/** "motion on 000", "line moment -": what the messages of a PullMessagesResponse, or of a metadata stream, say. */
function said(holder: XmlElement): string[] {
  return readNotifications(holder).notifications.flatMap(signalsOf).map(({ kind, says, source, tellsEnd }) => `${kind} ${says} ${source === '' ? '-' : source}${tellsEnd ? '' : ' (tells no end)'}`);
}

function message(topic: string, data: string, o: { source?: string; property?: string; time?: string } = {}): string {
  const property = o.property === undefined ? '' : ` PropertyOperation="${o.property}"`;
  return `<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">${topic}</wsnt:Topic><wsnt:Message>`
    + `<tt:Message UtcTime="${o.time ?? '2026-11-24T05:00:00Z'}"${property}><tt:Source>${o.source ?? item('VideoSourceConfigurationToken', 'v1')}</tt:Source><tt:Data>${data}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`;
}

function item(name: string, value: string): string {
  return `<tt:SimpleItem Name="${name}" Value="${value}"/>`;
}

function saidBy(...messages: readonly string[]): string[] {
  return said(parseXml(`<PullMessagesResponse>${messages.join('')}</PullMessagesResponse>`));
}

const folder = join(import.meta.dirname, '../../../shared/fixtures/onvif');
const skip = existsSync(folder) ? {} : { skip: `${folder} is not there: recorded events are not tried` };

/** Written down by reading the files. A file of the makes that is not here fails the test. */
const recorded: Readonly<Record<string, readonly string[]>> = {
  'hikvision_cam_pullmessages.xml': [],
  // Monitoring/ProcessorUsage: nothing that is observed.
  'trendnet_cam_pullmessages.xml': [],
  // A template of which both messages are taken; no PropertyOperation, a topic between line breaks.
  'agsh-mock_v0x_pullmessages.xml': ['motion on 000 (tells no end)', 'motion on 000 (tells no end)'],
  'recon_reolink_doorbell_pullmessages.xml': ['motion off 000'],
  'axis_metadata-first_message_metadatastream.xml': [],
  // VideoSource/DayNightVision, LightControl/LightStatusChanged: the camera's own state.
  'axis_metadata-daynight_init_metadatastream.xml': [],
  'axis_metadata-light_status_changed_init_metadatastream.xml': [],
  'axis_metadata-global_scene_change_metadatastream.xml': ['tamper off 0'],
  'axis_metadata-motion_guard_init_metadatastream.xml': ['motion off -'],
  // classTypes="human", active="1".
  'axis_metadata-object_analytics_any_change_metadatastream.xml': ['person on -'],
  'axis_metadata-pir_change_metadatastream.xml': ['motion on 0'],
};

t.test('what the recorded events of the makes say', skip, async (t) => {
  const files = readdirSync(folder).filter((name) => /(?:pullmessages|notify|metadatastream)\.xml$/.test(name)).sort();
  t.same(files, Object.keys(recorded).sort(), 'each file is in the table');
  for (const file of files) {
    const text = decodeXml(readFileSync(join(folder, file))).replaceAll(/\{\{.*?\}\}/g, 'x');
    const root = parseXml(text);
    const holders = root.name === 'MetadataStream' ? findAll(root, 'Event') : [find(root, 'Body', 'PullMessagesResponse')];
    t.same(holders.flatMap((holder) => (holder === undefined ? ['no answer'] : said(holder))), recorded[file], file);
  }
});

t.test('topics that the makes list, and what they would be', async (t) => {
  const cases = [
    ['VideoSource/MotionAlarm', 'motion'], ['RuleEngine/TamperDetector/Tamper', 'tamper'], ['RuleEngine/LineDetector/Crossed', 'line'], ['RuleEngine/FieldDetector/ObjectsInside', 'line'],
    ['Device/Trigger/DigitalInput', 'input'], ['Device/Trigger/AlarmIn', 'input'], ['VideoSource/SignalLoss', 'tamper'], ['Device/IO/Port', 'input'], ['VideoAnalytics/MotionDetection', 'motion'],
    ['AudioAnalytics/Audio/DetectedSound', 'sound'],
    ['Device/Trigger/Relay', undefined], ['Monitoring/ProcessorUsage', undefined], ['Device/HardwareFailure/StorageFailure', undefined], ['RecordingConfig/JobState', undefined], ['UserAlarm/IllegalAccess', undefined],
    ['Configuration/Profile', undefined], ['constructor', undefined], ['__proto__', undefined],
  ] as const;
  for (const [topic, kind] of cases) t.equal(kindOfTopic(topic), kind, topic);
});

t.test('each make\'s way to say what it sees', async (t) => {
  const changed = { property: 'Changed' };
  const reolink = (topic: string): string => message(`tns1:RuleEngine/MyRuleDetector/${topic}`, item('State', 'true'), { source: item('Source', '000'), property: 'Changed' });
  const tapo = (topic: string, name: string): string => message(`tns1:RuleEngine/${topic}`, item(name, 'true'), { source: item('VideoSourceConfigurationToken', 'vsconf') + item('VideoAnalyticsConfigurationToken', 'VideoAnalyticsToken') + item('Rule', 'MyRule'), property: 'Changed' });
  const axis = (scenario: string, data: string): string => message(`tnsaxis:CameraApplicationPlatform/${scenario}`, data, { source: '', property: 'Changed' });
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ['Reolink: person', reolink('PeopleDetect'), ['person on 000']],
    ['Reolink: vehicle', reolink('VehicleDetect'), ['vehicle on 000']],
    ['Reolink: pet', reolink('DogCatDetect'), ['pet on 000']],
    ['Reolink: face', reolink('FaceDetect'), ['face on 000']],
    ['Reolink: door bell', reolink('Visitor'), ['doorbell on 000']],
    ['Reolink: package', reolink('Package'), ['package on 000']],
    ['Tapo: person', tapo('CellMotionDetector/People', 'IsPeople'), ['person on vsconf']],
    ['Tapo: person, its older topic', tapo('PeopleDetector/People', 'IsPeople'), ['person on vsconf']],
    ['Tapo: pet among the smart events', tapo('TPSmartEventDetector/TPSmartEvent', 'IsPet'), ['pet on vsconf']],
    ['Tapo: line', tapo('CellMotionDetector/LineCross', 'IsLineCross'), ['line on vsconf']],
    ['Tapo: intrusion', tapo('CellMotionDetector/Intrusion', 'IsIntrusion'), ['line on vsconf']],
    ['Tapo: tamper', tapo('CellMotionDetector/Tamper', 'IsTamper'), ['tamper on vsconf']],
    ['Tapo: motion', tapo('CellMotionDetector/Motion', 'IsMotion'), ['motion on vsconf']],
    ['Tapo: several in one message', message('tns1:RuleEngine/TPSmartEventDetector/TPSmartEvent', item('IsPeople', 'true') + item('IsVehicle', 'false'), changed), ['person on v1', 'vehicle off v1']],
    ['Axis: a person in a scenario', axis('ObjectAnalytics/Device1Scenario1', item('classTypes', 'human') + item('active', '1') + item('objectId', '1')), ['person on -']],
    ['Axis: VMD 3', message('tns1:RuleEngine/tnsaxis:VMD3/vmd3_video_1', item('active', '1'), { source: '', property: 'Changed' }), ['motion on -']],
    ['Axis: the end without a class', axis('ObjectAnalytics/Device1Scenario1', item('active', '0')), ['motion off -']],
    ['Axis: fence', axis('FenceGuard/Camera1Profile1', item('active', '1')), ['line on -']],
    ['Axis: port', message('tns1:Device/tnsaxis:IO/Port', item('state', '1'), { source: item('port', '2'), property: 'Changed' }), ['input on 2']],
    ['Axis: sound', message('tns1:AudioSource/tnsaxis:TriggerLevel', item('triggered', '1'), { source: item('channel', '1'), property: 'Changed' }), ['sound on 1']],
    ['Axis: tamper without a state', message('tns1:VideoSource/tnsaxis:Tampering', item('tampering', '1'), { source: item('channel', '1') }), ['tamper on 1 (tells no end)']],
    ['a line that was crossed', message('tns1:RuleEngine/LineDetector/Crossed', item('ObjectId', '12'), { property: 'Changed' }), ['line moment v1']],
    ['a line that is only listed', message('tns1:RuleEngine/LineDetector/Crossed', item('ObjectId', '0'), { property: 'Initialized' }), []],
    ['a line, and what crossed it', message('tns1:RuleEngine/LineDetector/Crossed', item('ObjectId', '1') + item('ClassTypes', 'Vehicle Human')), ['vehicle moment v1 (tells no end)']],
    ['a face, of whom nothing is taken', message('tns1:RuleEngine/Recognition/Face', item('Name', 'Anna') + item('Likelihood', '0.93')), ['face moment v1 (tells no end)']],
    ['a human shape', message('tns1:UserAlarm/IVA/HumanShapeDetect', item('State', 'true'), changed), ['person on v1']],
    ['a digital input of Hikvision', message('tns1:Device/Trigger/tnshik:AlarmIn', item('State', 'true'), { source: item('AlarmInToken', 'AlarmIn_1'), property: 'Changed' }), ['input on AlarmIn_1']],
  ];
  for (const [what, xml, expected] of cases) t.same(saidBy(xml), expected, what);
});

t.test('on and off in every spelling; what says neither says nothing', async (t) => {
  const of = (value: string): string[] => saidBy(message('tns1:VideoSource/MotionAlarm', item('State', value), { property: 'Changed' }));
  for (const value of ['true', 'TRUE', 'True', '1', 'on', ' true ']) t.same(of(value), ['motion on v1'], value);
  for (const value of ['false', 'FALSE', 'False', '0', 'off']) t.same(of(value), ['motion off v1'], value);
  for (const value of ['', '2', 'maybe', 'nil']) t.same(of(value), [], value);
});

t.test('the state at subscription counts, and a deleted property is over whatever it holds', async (t) => {
  const of = (property: string, value: string): string[] => saidBy(message('tns1:VideoSource/MotionAlarm', item('State', value), { property }));
  t.same(of('Initialized', 'true'), ['motion on v1']);
  t.same(of('INITIALIZED', 'false'), ['motion off v1']);
  t.same(of('Deleted', 'true'), ['motion off v1']);
  t.same(saidBy(message('tns1:VideoSource/MotionAlarm', '', { property: 'Deleted' })), ['motion off v1']);
});

t.test('a camera\'s times do not matter', async (t) => {
  for (const time of ['1970-01-01T00:00:00', '2026-11-24T05:00:00', '0000-00-00T00:00:00Z', 'yesterday', '']) t.same(saidBy(message('tns1:VideoSource/MotionAlarm', item('State', 'true'), { time, property: 'Changed' })), ['motion on v1'], time);
});

t.test('messages that are not as they should be cost only themselves', async (t) => {
  const good = message('tns1:VideoSource/MotionAlarm', item('State', 'true'), { property: 'Changed' });
  const bare = '<NotificationMessage><Topic> tns1:VideoSource/MotionAlarm </Topic><Message PropertyOperation="Changed"><Source/><Data><SimpleItem Name="State" Value="1"/></Data></Message></NotificationMessage>';
  t.same(saidBy('<NotificationMessage/>', good, '<NotificationMessage><Topic>../../etc/passwd</Topic></NotificationMessage>', bare), ['motion on v1', 'motion on -']);
  t.same(saidBy(message('', item('State', 'true')), message('a'.repeat(5000), item('State', 'true')), message('a/b/c/d/e/f/g/h/i', '')), []);
});

t.test('a camera\'s words are cleaned and cut, and never part of the kind', async (t) => {
  const [signal] = readNotifications(parseXml(`<R>${message('tns1:VideoSource/MotionAlarm', item('State', 'true'), { source: item('Source', `a&#x1b;[31m&lt;b&gt;\u202e${'x'.repeat(300)}`), property: 'Changed' })}</R>`)).notifications.flatMap(signalsOf);
  t.equal(signal?.source.length, 40);
  // oxlint-disable-next-line no-control-regex -- that there are none is what is tested
  t.notMatch(signal?.source, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
});

t.test('more messages than were asked for are dropped and counted', async (t) => {
  const { notifications, dropped } = readNotifications(parseXml(`<R>${message('tns1:VideoSource/MotionAlarm', item('State', 'true')).repeat(messagesMax + 7)}</R>`));
  t.equal(notifications.length, messagesMax);
  t.equal(dropped, 7);
});
