/** A service is a table of operations by the local name of the body's element, and what it says of itself. */
import type { XmlElement } from '../../base/xml.ts';
import type { CameraFace } from '../face.ts';
import type { ServiceName } from '../habits.ts';

/** ONVIF Core, 5.9.4.3: from what anybody may ask to what only an administrator may do. */
export type AccessClass = 'PRE_AUTH' | 'READ_SYSTEM' | 'READ_SYSTEM_SENSITIVE' | 'READ_SYSTEM_SECRET' | 'WRITE_SYSTEM' | 'UNRECOVERABLE' | 'READ_MEDIA' | 'ACTUATE';

/** What an operation may know beyond its own element. */
export interface Call {
  readonly path: string;
  readonly header: XmlElement | undefined;
  /** Aborted when the caller hung up. */
  readonly signal: AbortSignal;
  /** What this camera offers. */
  readonly services: readonly ServiceFacts[];
}

export interface Operation {
  readonly access: AccessClass;
  /** The body of the answer; throws SoapFault. */
  readonly answer: (face: CameraFace, request: XmlElement, call: Call) => string | Promise<string>;
  /** The answer's WS-Addressing action, where the standard wants one. */
  readonly action?: string;
  /** Done when the answer is on its way. */
  readonly afterwards?: (face: CameraFace) => void;
}

export type Service = ReadonlyMap<string, Operation>;

export interface ServiceFacts {
  readonly name: ServiceName;
  readonly namespace: string;
  /** Namespaces of other standards whose operations it answers too. */
  readonly alsoNamespaces?: readonly string[];
  readonly operations: Service;
  /** The service's own capabilities, an element of its namespace. */
  readonly capabilities: (face: CameraFace) => string;
  /** Its part of GetCapabilities, the older way to ask; services that came later have none. */
  readonly category?: { readonly name: 'Device' | 'Events' | 'Imaging' | 'Media' | 'PTZ'; readonly content: (face: CameraFace) => string };
}
