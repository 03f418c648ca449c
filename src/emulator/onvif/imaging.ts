/** Imaging service (ONVIF Imaging, version 2): settings that are kept and told; the generated pictures do not change by them. */
import { find, textOf, type XmlElement } from '../../base/xml.ts';
import type { CameraFace } from '../face.ts';
import { imagingLevels, type Imaging } from '../settings.ts';
import type { Operation, ServiceFacts } from './operation.ts';
import { leaf, namespaces, SoapFault } from './soap.ts';

const capabilities = '<timg:Capabilities ImageStabilization="false"/>';
const levelMax = 100;

export const imagingService: ServiceFacts = {
  name: 'imaging',
  namespace: namespaces.imaging,
  capabilities: () => capabilities,
  category: { name: 'Imaging', content: () => '' },
  operations: new Map<string, Operation>([
    ['GetServiceCapabilities', { access: 'PRE_AUTH', answer: () => wrap('GetServiceCapabilities', capabilities) }],
    ['GetImagingSettings', { access: 'READ_MEDIA', answer: getImagingSettings }],
    ['SetImagingSettings', { access: 'ACTUATE', answer: setImagingSettings }],
    ['GetOptions', { access: 'READ_MEDIA', answer: getOptions }],
    ['GetMoveOptions', { access: 'READ_MEDIA', answer: (face, request) => wrap('GetMoveOptions', `${checkSource(face, request)}<timg:MoveOptions/>`) }],
    ['GetStatus', { access: 'READ_MEDIA', answer: (face, request) => wrap('GetStatus', `${checkSource(face, request)}<timg:Status><tt:FocusStatus20><tt:Position>0</tt:Position><tt:MoveStatus>IDLE</tt:MoveStatus></tt:FocusStatus20></timg:Status>`) }],
    ['Move', { access: 'ACTUATE', answer: fixedFocus }],
    ['Stop', { access: 'ACTUATE', answer: fixedFocus }],
  ]),
};

function getImagingSettings(face: CameraFace, request: XmlElement): string {
  checkSource(face, request);
  const { imaging } = face.settings;
  const level = (name: (typeof imagingLevels)[number]): string => leaf(`tt:${name}`, imaging[name]);
  return wrap('GetImagingSettings', `<timg:ImagingSettings>${level('Brightness')}${level('ColorSaturation')}${level('Contrast')}${leaf('tt:IrCutFilter', imaging.IrCutFilter)}${level('Sharpness')}</timg:ImagingSettings>`);
}

/** What is not named stays; what cannot be changes nothing. */
function setImagingSettings(face: CameraFace, request: XmlElement): string {
  checkSource(face, request);
  const wanted = find(request, 'ImagingSettings');
  const changed: Imaging = { ...face.settings.imaging };
  for (const name of imagingLevels) {
    const text = textOf(wanted, name);
    const value = text === undefined ? changed[name] : Number(text);
    if (text?.trim() === '' || !(value >= 0 && value <= levelMax)) throw settingsInvalid();
    changed[name] = value;
  }
  const filter = textOf(wanted, 'IrCutFilter') ?? changed.IrCutFilter;
  if (filter !== 'ON' && filter !== 'OFF' && filter !== 'AUTO') throw settingsInvalid();
  face.settings.imaging = { ...changed, IrCutFilter: filter };
  return wrap('SetImagingSettings', '');
}

function getOptions(face: CameraFace, request: XmlElement): string {
  checkSource(face, request);
  const range = (name: string): string => `<tt:${name}><tt:Min>0</tt:Min>${leaf('tt:Max', levelMax)}</tt:${name}>`;
  return wrap('GetOptions', `<timg:ImagingOptions>${range('Brightness')}${range('ColorSaturation')}${range('Contrast')}${['ON', 'OFF', 'AUTO'].map((mode) => leaf('tt:IrCutFilterModes', mode)).join('')}${range('Sharpness')}</timg:ImagingOptions>`);
}

function fixedFocus(face: CameraFace, request: XmlElement): never {
  checkSource(face, request);
  throw new SoapFault({ code: 'Receiver', subcodes: ['ActionNotSupported', 'NoImagingForSource'], reason: 'the focus of this camera is fixed' });
}

function checkSource(face: CameraFace, request: XmlElement): '' {
  if (textOf(request, 'VideoSourceToken') !== face.habits.tokens.videoSource) throw new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'NoSource'], reason: 'no video source has this token' });
  return '';
}

function settingsInvalid(): SoapFault {
  return new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', 'SettingsInvalid'], reason: 'the picture cannot be set so' });
}

function wrap(operation: string, body: string): string {
  return `<timg:${operation}Response>${body}</timg:${operation}Response>`;
}
