/** What a camera tells of, and under which topics; `standardTopics` are those most makes use, makes.ts has those that stray. */

export const eventKinds = ['motion', 'person', 'vehicle', 'pet', 'tamper', 'line', 'sound', 'doorbell', 'input', 'relay'] as const;
export type EventKind = (typeof eventKinds)[number];

export interface Topic {
  /** Below the topic set's root, such as `tns1:VideoSource/MotionAlarm`. */
  readonly path: string;
  readonly source: readonly { readonly name: string; readonly type: string; readonly value: string }[];
  readonly data: { readonly name: string; readonly type: string; readonly off: string; readonly on: string };
  /** A state that lasts, told again at each synchronisation point; else a moment that passes. */
  readonly property: boolean;
}

export type Topics = Readonly<Record<EventKind, readonly Topic[]>>;

export const sourceTokens = { video: 'VideoSource1', videoConfiguration: 'VSC1', audioConfiguration: 'ASC1', input: 'DigitalInput1', relay: 'RelayOutput1' };

const token = (name: string, value: string): Topic['source'][number] => ({ name, type: 'tt:ReferenceToken', value });
const state = (name: string): Topic['data'] => ({ name, type: 'xs:boolean', off: 'false', on: 'true' });

/** The source of a rule of the analytics engine. */
export function ruleSource(rule: string): Topic['source'] {
  return [token('VideoSourceConfigurationToken', sourceTokens.videoConfiguration), token('VideoAnalyticsConfigurationToken', 'VideoAnalytics1'), { name: 'Rule', type: 'xs:string', value: rule }];
}

/** A topic of the kind that Reolink brought up: a state of its own per thing seen. */
export function detectTopic(name: string): Topic {
  return { path: `tns1:RuleEngine/MyRuleDetector/${name}`, source: [token('Source', sourceTokens.video)], data: state('State'), property: true };
}

export const cellMotion: Topic = { path: 'tns1:RuleEngine/CellMotionDetector/Motion', source: ruleSource('MotionDetectorRule'), data: state('IsMotion'), property: true };
export const motionAlarm: Topic = { path: 'tns1:VideoSource/MotionAlarm', source: [token('Source', sourceTokens.video)], data: state('State'), property: true };
export const sceneChange: Topic = { path: 'tns1:VideoSource/GlobalSceneChange/ImagingService', source: [token('Source', sourceTokens.video)], data: state('State'), property: true };
export const tamper: Topic = { path: 'tns1:RuleEngine/TamperDetector/Tamper', source: ruleSource('TamperDetectorRule'), data: state('IsTamper'), property: true };
export const lineCrossed: Topic = {
  path: 'tns1:RuleEngine/LineDetector/Crossed', source: ruleSource('LineDetectorRule'), data: { name: 'ObjectId', type: 'xs:integer', off: '0', on: '1' }, property: false,
};
export const detectedSound: Topic = {
  path: 'tns1:AudioAnalytics/Audio/DetectedSound', source: [token('AudioSourceConfigurationToken', sourceTokens.audioConfiguration), token('AudioAnalyticsConfigurationToken', 'AudioAnalytics1'), { name: 'Rule', type: 'xs:string', value: 'SoundRule' }],
  data: state('IsSoundDetected'), property: true,
};
export const digitalInput: Topic = { path: 'tns1:Device/Trigger/DigitalInput', source: [token('InputToken', sourceTokens.input)], data: state('LogicalState'), property: true };
export const relayOutput: Topic = {
  path: 'tns1:Device/Trigger/Relay', source: [token('RelayToken', sourceTokens.relay)],
  data: { name: 'LogicalState', type: 'tt:RelayLogicalState', off: 'inactive', on: 'active' }, property: true,
};

export const standardTopics: Topics = {
  motion: [cellMotion, motionAlarm],
  person: [detectTopic('PeopleDetect')],
  vehicle: [detectTopic('VehicleDetect')],
  pet: [detectTopic('DogCatDetect')],
  tamper: [sceneChange, tamper],
  line: [lineCrossed],
  sound: [detectedSound],
  doorbell: [detectTopic('Visitor')],
  input: [digitalInput],
  relay: [relayOutput],
};
