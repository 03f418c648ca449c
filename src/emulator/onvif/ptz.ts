/** PTZ service (ONVIF PTZ, version 2): one head, in the generic spaces; what it is told to do takes the time that it takes. */
import { escapeXml, find, textOf, type XmlElement } from '../../base/xml.ts';
import { cameraTimeMs, type CameraFace } from '../face.ts';
import { axes, limits, presetsMax, type Axis, type Position, type PtzHead } from '../head.ts';
import { durationMs } from './durations.ts';
import { noConfiguration, streamOfProfile } from './encoder.ts';
import type { AccessClass, Operation, ServiceFacts } from './operation.ts';
import { positionSpaces, ptzConfiguration, supportedSpaces, timeoutDefaultMs, timeoutMaxMs } from './ptzconfiguration.ts';
import { isoTime, leaf, namespaces, SoapFault } from './soap.ts';

const capabilities = '<tptz:Capabilities EFlip="false" Reverse="false" GetCompatibleConfigurations="true"/>';

export const ptzService: ServiceFacts = {
  name: 'ptz',
  namespace: namespaces.ptz,
  capabilities: () => capabilities,
  category: { name: 'PTZ', content: () => '' },
  operations: new Map<string, Operation>([
    ['GetServiceCapabilities', { access: 'PRE_AUTH', answer: () => wrap('GetServiceCapabilities', capabilities) }],
    ['GetNodes', { access: 'READ_MEDIA', answer: (face) => wrap('GetNodes', node(face)) }],
    ['GetNode', { access: 'READ_MEDIA', answer: getNode }],
    ['GetConfigurations', { access: 'READ_MEDIA', answer: (face) => wrap('GetConfigurations', ptzConfiguration(face, 'tptz:PTZConfiguration')) }],
    ['GetCompatibleConfigurations', reading('GetCompatibleConfigurations', (_head, face) => ptzConfiguration(face, 'tptz:PTZConfiguration'))],
    ['GetConfiguration', { access: 'READ_MEDIA', answer: getConfiguration }],
    ['GetConfigurationOptions', { access: 'READ_MEDIA', answer: getConfigurationOptions }],
    ['GetStatus', reading('GetStatus', (head, face) => `<tptz:PTZStatus>${positionXml('tt:Position', head.position)}<tt:MoveStatus>${leaf('tt:PanTilt', status(head, 'pan', 'tilt'))}${leaf('tt:Zoom', status(head, 'zoom'))}</tt:MoveStatus>${leaf('tt:UtcTime', isoTime(cameraTimeMs(face)))}</tptz:PTZStatus>`)],
    ['AbsoluteMove', acting('AbsoluteMove', absoluteMove)],
    ['RelativeMove', acting('RelativeMove', relativeMove)],
    ['ContinuousMove', acting('ContinuousMove', continuousMove)],
    ['Stop', acting('Stop', stop)],
    ['GetPresets', reading('GetPresets', (head) => [...head.presets].map(([token, { name, position }]) => `<tptz:Preset token="${escapeXml(token)}">${leaf('tt:Name', name)}${positionXml('tt:PTZPosition', position)}</tptz:Preset>`).join(''))],
    ['SetPreset', acting('SetPreset', setPreset)],
    ['GotoPreset', acting('GotoPreset', (head, request) => goTo(head, request, presetOf(head, request).position))],
    ['RemovePreset', acting('RemovePreset', removePreset)],
    ['SetHomePosition', acting('SetHomePosition', (head) => { head.home = head.position; })],
    ['GotoHomePosition', acting('GotoHomePosition', (head, request) => goTo(head, request, head.home))],
  ]),
};

/** Of a profile; every profile of this camera has the head. */
function reading(operation: string, answer: (head: PtzHead, face: CameraFace) => string): Operation {
  return onHead('READ_MEDIA', operation, (head, _request, face) => answer(head, face));
}

function acting(operation: string, act: (head: PtzHead, request: XmlElement) => string | undefined | void): Operation {
  return onHead('ACTUATE', operation, (head, request) => act(head, request) ?? '');
}

function onHead(access: AccessClass, operation: string, answer: (head: PtzHead, request: XmlElement, face: CameraFace) => string): Operation {
  return {
    access,
    answer: (face, request) => {
      streamOfProfile(face, textOf(request, 'ProfileToken'));
      return wrap(operation, answer(headOf(face), request, face));
    },
  };
}

/** The service is not offered without a head. */
function headOf(face: CameraFace): PtzHead {
  if (face.head === undefined) throw new SoapFault({ code: 'Receiver', subcodes: ['ActionNotSupported', 'PTZNotSupported'], reason: 'this camera does not move' });
  return face.head;
}

function node(face: CameraFace): string {
  return `<tptz:PTZNode token="${escapeXml(face.habits.tokens.ptzNode)}" FixedHomePosition="false"><tt:Name>PTZNode</tt:Name><tt:SupportedPTZSpaces>${supportedSpaces}</tt:SupportedPTZSpaces>`
    + `${leaf('tt:MaximumNumberOfPresets', presetsMax)}<tt:HomeSupported>true</tt:HomeSupported></tptz:PTZNode>`;
}

function getNode(face: CameraFace, request: XmlElement): string {
  if (textOf(request, 'NodeToken') !== face.habits.tokens.ptzNode) throw invalid('NoEntity', 'no node has this token');
  return wrap('GetNode', node(face));
}

function getConfiguration(face: CameraFace, request: XmlElement): string {
  if (textOf(request, 'PTZConfigurationToken') !== face.habits.tokens.ptzConfiguration) throw noConfiguration();
  return wrap('GetConfiguration', ptzConfiguration(face, 'tptz:PTZConfiguration'));
}

function getConfigurationOptions(face: CameraFace, request: XmlElement): string {
  if (textOf(request, 'ConfigurationToken') !== face.habits.tokens.ptzConfiguration) throw noConfiguration();
  return wrap('GetConfigurationOptions', `<tptz:PTZConfigurationOptions><tt:Spaces>${supportedSpaces}</tt:Spaces><tt:PTZTimeout><tt:Min>PT0.1S</tt:Min>${leaf('tt:Max', `PT${timeoutMaxMs / 1000}S`)}</tt:PTZTimeout></tptz:PTZConfigurationOptions>`);
}

function status(head: PtzHead, ...some: readonly Axis[]): string {
  return some.some((axis) => head.moving(axis)) ? 'MOVING' : 'IDLE';
}

function positionXml(element: string, { pan, tilt, zoom }: Position): string {
  const number = (value: number): string => String(Number(value.toFixed(4)));
  return `<${element}><tt:PanTilt x="${number(pan)}" y="${number(tilt)}" space="${positionSpaces.panTilt}"/><tt:Zoom x="${number(zoom)}" space="${positionSpaces.zoom}"/></${element}>`;
}

/** What is named of pan, tilt and zoom, each a finite number. */
function vectorOf(request: XmlElement, element: string, fault: string): Partial<Position> {
  const vector = find(request, element);
  const panTilt = find(vector, 'PanTilt')?.attributes;
  const zoom = find(vector, 'Zoom')?.attributes;
  const named: Partial<Record<Axis, string | undefined>> = { ...(panTilt === undefined ? {} : { pan: panTilt['x'], tilt: panTilt['y'] }), ...(zoom === undefined ? {} : { zoom: zoom['x'] }) };
  const entries = Object.entries(named).map(([axis, text]) => [axis as Axis, text === undefined || text.trim() === '' ? Number.NaN : Number(text)] as const);
  if (entries.length === 0 || entries.some(([, value]) => !Number.isFinite(value))) throw invalid(fault, `${element} wants numbers for pan and tilt, zoom, or both`);
  return Object.fromEntries(entries);
}

function speedOf(request: XmlElement): Partial<Position> {
  if (find(request, 'Speed') === undefined) return {};
  const speed = vectorOf(request, 'Speed', 'InvalidSpeed');
  if (Object.values(speed).some((value) => value < 0 || value > 1)) throw invalid('InvalidSpeed', 'a speed is from 0 to 1');
  return speed;
}

function goTo(head: PtzHead, request: XmlElement, target: Partial<Position>): void {
  const speed = speedOf(request);
  for (const axis of axes) {
    const value = target[axis];
    if (value !== undefined) head.goTo(axis, value, speed[axis] ?? 1);
  }
}

function absoluteMove(head: PtzHead, request: XmlElement): void {
  const target = vectorOf(request, 'Position', 'InvalidPosition');
  if (axes.some((axis) => (target[axis] ?? limits[axis].min) < limits[axis].min || (target[axis] ?? limits[axis].max) > limits[axis].max)) throw invalid('InvalidPosition', 'this position is out of reach');
  goTo(head, request, target);
}

/** As far as it can. */
function relativeMove(head: PtzHead, request: XmlElement): void {
  const translation = vectorOf(request, 'Translation', 'InvalidTranslation');
  const { position } = head;
  goTo(head, request, Object.fromEntries(axes.flatMap((axis) => {
    const by = translation[axis];
    return by === undefined ? [] : [[axis, Math.min(limits[axis].max, Math.max(limits[axis].min, position[axis] + by))]];
  })));
}

function continuousMove(head: PtzHead, request: XmlElement): void {
  const velocity = vectorOf(request, 'Velocity', 'InvalidVelocity');
  if (Object.values(velocity).some((value) => Math.abs(value) > 1)) throw invalid('InvalidVelocity', 'a velocity is from -1 to 1');
  const asked = textOf(request, 'Timeout');
  const timeoutMs = asked === undefined || asked === '' ? timeoutDefaultMs : durationMs(asked);
  if (timeoutMs === undefined || timeoutMs <= 0 || timeoutMs > timeoutMaxMs) throw invalid('TimeoutNotSupported', 'this time-out is not possible');
  for (const axis of axes) {
    const value = velocity[axis];
    if (value !== undefined) head.drive(axis, value, timeoutMs);
  }
}

/** Without a word about which, all stop. */
function stop(head: PtzHead, request: XmlElement): void {
  const wanted = (name: string): boolean => (textOf(request, name) ?? 'true') === 'true' || textOf(request, name) === '1';
  if (wanted('PanTilt')) {
    head.stop('pan');
    head.stop('tilt');
  }
  if (wanted('Zoom')) head.stop('zoom');
}

function setPreset(head: PtzHead, request: XmlElement): string {
  const asked = textOf(request, 'PresetToken');
  if (asked !== undefined && asked !== '' && !head.presets.has(asked)) throw noToken();
  const token = asked === undefined || asked === '' ? freeToken(head) : asked;
  const name = textOf(request, 'PresetName') ?? head.presets.get(token)?.name ?? `Preset ${token}`;
  if (name.length > 64) throw invalid('InvalidPresetName', 'this name is too long');
  if ([...head.presets].some(([other, preset]) => other !== token && preset.name === name)) throw invalid('PresetExist', 'there is such a preset already');
  head.presets.set(token, { name, position: head.position });
  return leaf('tptz:PresetToken', token);
}

function freeToken(head: PtzHead): string {
  if (head.presets.size >= presetsMax) throw new SoapFault({ code: 'Receiver', subcodes: ['Action', 'TooManyPresets'], reason: `${presetsMax} presets at most` });
  return String(Array.from({ length: presetsMax }, (_, n) => n + 1).find((n) => !head.presets.has(String(n))));
}

function removePreset(head: PtzHead, request: XmlElement): void {
  presetOf(head, request);
  head.presets.delete(textOf(request, 'PresetToken') ?? '');
}

function presetOf(head: PtzHead, request: XmlElement): { name: string; position: Position } {
  const preset = head.presets.get(textOf(request, 'PresetToken') ?? '');
  if (preset === undefined) throw noToken();
  return preset;
}

function noToken(): SoapFault {
  return invalid('NoToken', 'no preset has this token');
}

function invalid(subcode: string, reason: string): SoapFault {
  return new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', subcode], reason });
}

function wrap(operation: string, body: string): string {
  return `<tptz:${operation}Response>${body}</tptz:${operation}Response>`;
}
