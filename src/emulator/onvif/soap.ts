/** SOAP 1.2 messages and faults as ONVIF Core (section 5.8) has them. */
import { escapeXml } from '../../base/xml.ts';

export const namespaces = {
  device: 'http://www.onvif.org/ver10/device/wsdl',
  media: 'http://www.onvif.org/ver10/media/wsdl',
  media2: 'http://www.onvif.org/ver20/media/wsdl',
  events: 'http://www.onvif.org/ver10/events/wsdl',
  ptz: 'http://www.onvif.org/ver20/ptz/wsdl',
  imaging: 'http://www.onvif.org/ver20/imaging/wsdl',
  notification: 'http://docs.oasis-open.org/wsn/b-2',
};

/** Becomes the fault that the client gets; `subcodes` without prefix, outermost first; `detail` is XML. */
export class SoapFault extends Error {
  readonly code: 'Sender' | 'Receiver';
  readonly subcodes: readonly string[];
  readonly status: number;
  readonly detail: string | undefined;

  constructor(o: { code: 'Sender' | 'Receiver'; subcodes: readonly string[]; reason: string; status?: number; detail?: string }) {
    super(o.reason);
    this.code = o.code;
    this.subcodes = o.subcodes;
    this.status = o.status ?? (o.code === 'Sender' ? 400 : 500);
    this.detail = o.detail;
  }
}

export function envelope(body: string, header = ''): string {
  return '<?xml version="1.0" encoding="UTF-8"?>\n'
    + '<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tt="http://www.onvif.org/ver10/schema"'
    + ` xmlns:tds="${namespaces.device}" xmlns:trt="${namespaces.media}" xmlns:tr2="${namespaces.media2}" xmlns:tev="${namespaces.events}" xmlns:wsnt="${namespaces.notification}" xmlns:tptz="${namespaces.ptz}" xmlns:timg="${namespaces.imaging}"`
    + ' xmlns:wstop="http://docs.oasis-open.org/wsn/t-1" xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:wsrf-bf="http://docs.oasis-open.org/wsrf/bf-2"'
    + ' xmlns:wsrf-r="http://docs.oasis-open.org/wsrf/r-2" xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:tnsaxis="http://www.axis.com/2009/event/topics"'
    + ' xmlns:ter="http://www.onvif.org/ver10/error">'
    + `${header === '' ? '' : `<env:Header>${header}</env:Header>`}<env:Body>${body}</env:Body></env:Envelope>`;
}

export const faultAction = 'http://www.w3.org/2005/08/addressing/soap/fault';

export function faultEnvelope(fault: SoapFault, header = ''): string {
  const subcode = fault.subcodes.reduceRight((inner, code) => `<env:Subcode><env:Value>ter:${code}</env:Value>${inner}</env:Subcode>`, '');
  return envelope(`<env:Fault><env:Code><env:Value>env:${fault.code}</env:Value>${subcode}</env:Code>`
    + `<env:Reason><env:Text xml:lang="en">${escapeXml(fault.message)}</env:Text></env:Reason>`
    + `${fault.detail === undefined ? '' : `<env:Detail>${fault.detail}</env:Detail>`}</env:Fault>`, header);
}

/** An element with escaped text. */
export function leaf(name: string, text: string | number | boolean): string {
  return `<${name}>${escapeXml(String(text))}</${name}>`;
}

/** Whole seconds, as cameras tell them. */
export function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
