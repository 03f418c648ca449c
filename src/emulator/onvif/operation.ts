/** A service is a table of operations by the local name of the body's element. */
import type { XmlElement } from '../../base/xml.ts';
import type { CameraFace } from '../face.ts';

export interface Operation {
  /** Answered without credentials (access class PRE_AUTH of ONVIF Core, 5.9.4.3). */
  readonly open?: true;
  /** The body of the answer; throws SoapFault. */
  readonly answer: (face: CameraFace, request: XmlElement) => string;
}

export type Service = ReadonlyMap<string, Operation>;
