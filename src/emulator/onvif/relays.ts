/** The one relay output of the camera; its switching is an event too. */
import { escapeXml, find, textOf, type XmlElement } from '../../base/xml.ts';
import type { CameraFace } from '../face.ts';
import { sourceTokens } from '../topics.ts';
import { durationMs } from './durations.ts';
import type { Operation } from './operation.ts';
import { leaf, SoapFault } from './soap.ts';

const delayMaxMs = 600_000;

export const relayOperations: readonly (readonly [string, Operation])[] = [
  ['GetRelayOutputs', { access: 'READ_MEDIA', answer: getRelayOutputs }],
  ['SetRelayOutputSettings', { access: 'ACTUATE', answer: setRelayOutputSettings }],
  ['SetRelayOutputState', { access: 'ACTUATE', answer: setRelayOutputState }],
];

function getRelayOutputs({ settings: { relay } }: CameraFace): string {
  return `<tds:GetRelayOutputsResponse><tds:RelayOutputs token="${escapeXml(sourceTokens.relay)}"><tt:Properties>${leaf('tt:Mode', relay.mode)}${leaf('tt:DelayTime', `PT${relay.delayMs / 1000}S`)}${leaf('tt:IdleState', relay.idle)}</tt:Properties></tds:RelayOutputs></tds:GetRelayOutputsResponse>`;
}

function setRelayOutputSettings(face: CameraFace, request: XmlElement): string {
  checkToken(request);
  const properties = find(request, 'Properties');
  const mode = textOf(properties, 'Mode');
  const idle = textOf(properties, 'IdleState');
  const delayMs = durationMs(textOf(properties, 'DelayTime') ?? '');
  if ((mode !== 'Monostable' && mode !== 'Bistable') || (idle !== 'open' && idle !== 'closed') || delayMs === undefined || delayMs > delayMaxMs) {
    throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'ModeError'], reason: 'the relay cannot be set so' });
  }
  face.settings.relay = { mode, delayMs, idle };
  return '<tds:SetRelayOutputSettingsResponse/>';
}

/** A monostable relay falls back by itself. */
function setRelayOutputState(face: CameraFace, request: XmlElement): string {
  checkToken(request);
  const state = textOf(request, 'LogicalState');
  if (state !== 'active' && state !== 'inactive') throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal'], reason: 'a relay is active or inactive' });
  face.events.raise('relay', state === 'active');
  const { mode, delayMs } = face.settings.relay;
  if (state === 'active' && mode === 'Monostable') void face.clock.sleep(delayMs, face.closed).then(() => face.events.raise('relay', false), () => {});
  return '<tds:SetRelayOutputStateResponse/>';
}

function checkToken(request: XmlElement): void {
  if (textOf(request, 'RelayOutputToken') !== sourceTokens.relay) throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'RelayToken'], reason: 'no relay has this token' });
}
