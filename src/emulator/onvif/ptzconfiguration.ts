/** What profiles and the PTZ service say of a moving head: its spaces, its configuration. */
import { escapeXml } from '../../base/xml.ts';
import type { CameraFace } from '../face.ts';
import { limits } from '../head.ts';
import { leaf } from './soap.ts';

const spaces = 'http://www.onvif.org/ver10/tptz';
export const positionSpaces = { panTilt: `${spaces}/PanTiltSpaces/PositionGenericSpace`, zoom: `${spaces}/ZoomSpaces/PositionGenericSpace` };
const translationSpaces = { panTilt: `${spaces}/PanTiltSpaces/TranslationGenericSpace`, zoom: `${spaces}/ZoomSpaces/TranslationGenericSpace` };
const velocitySpaces = { panTilt: `${spaces}/PanTiltSpaces/VelocityGenericSpace`, zoom: `${spaces}/ZoomSpaces/VelocityGenericSpace` };
const speedSpaces = { panTilt: `${spaces}/PanTiltSpaces/GenericSpeedSpace`, zoom: `${spaces}/ZoomSpaces/ZoomGenericSpeedSpace` };

export const timeoutDefaultMs = 10_000;
export const timeoutMaxMs = 60_000;

const range = (element: string, { min, max }: { min: number; max: number }): string => `<${element}>${leaf('tt:Min', min)}${leaf('tt:Max', max)}</${element}>`;
const space2 = (element: string, uri: string, both: { min: number; max: number }): string => `<tt:${element}>${leaf('tt:URI', uri)}${range('tt:XRange', both)}${range('tt:YRange', both)}</tt:${element}>`;
const space1 = (element: string, uri: string, one: { min: number; max: number }): string => `<tt:${element}>${leaf('tt:URI', uri)}${range('tt:XRange', one)}</tt:${element}>`;
const whole = { min: -1, max: 1 };
const positive = { min: 0, max: 1 };

export const supportedSpaces = space2('AbsolutePanTiltPositionSpace', positionSpaces.panTilt, limits.pan) + space1('AbsoluteZoomPositionSpace', positionSpaces.zoom, limits.zoom)
  + space2('RelativePanTiltTranslationSpace', translationSpaces.panTilt, whole) + space1('RelativeZoomTranslationSpace', translationSpaces.zoom, whole)
  + space2('ContinuousPanTiltVelocitySpace', velocitySpaces.panTilt, whole) + space1('ContinuousZoomVelocitySpace', velocitySpaces.zoom, whole)
  + space1('PanTiltSpeedSpace', speedSpaces.panTilt, positive) + space1('ZoomSpeedSpace', speedSpaces.zoom, positive);

/** Nothing where the camera does not move. */
export function ptzConfiguration(face: CameraFace, element: string): string {
  if (face.head === undefined) return '';
  const { ptzConfiguration: token, ptzNode } = face.habits.tokens;
  return `<${element} token="${escapeXml(token)}"><tt:Name>PTZConfig</tt:Name><tt:UseCount>2</tt:UseCount>${leaf('tt:NodeToken', ptzNode)}`
    + leaf('tt:DefaultAbsolutePantTiltPositionSpace', positionSpaces.panTilt) + leaf('tt:DefaultAbsoluteZoomPositionSpace', positionSpaces.zoom)
    + leaf('tt:DefaultRelativePanTiltTranslationSpace', translationSpaces.panTilt) + leaf('tt:DefaultRelativeZoomTranslationSpace', translationSpaces.zoom)
    + leaf('tt:DefaultContinuousPanTiltVelocitySpace', velocitySpaces.panTilt) + leaf('tt:DefaultContinuousZoomVelocitySpace', velocitySpaces.zoom)
    + `<tt:DefaultPTZSpeed><tt:PanTilt x="1" y="1" space="${speedSpaces.panTilt}"/><tt:Zoom x="1" space="${speedSpaces.zoom}"/></tt:DefaultPTZSpeed>`
    + leaf('tt:DefaultPTZTimeout', `PT${timeoutDefaultMs / 1000}S`)
    + `<tt:PanTiltLimits><tt:Range>${leaf('tt:URI', positionSpaces.panTilt)}${range('tt:XRange', limits.pan)}${range('tt:YRange', limits.tilt)}</tt:Range></tt:PanTiltLimits>`
    + `<tt:ZoomLimits><tt:Range>${leaf('tt:URI', positionSpaces.zoom)}${range('tt:XRange', limits.zoom)}</tt:Range></tt:ZoomLimits></${element}>`;
}
