/** SOAP 1.2 messages and faults as ONVIF Core (section 5.8) has them. */
import { escapeXml } from '../../base/xml.ts';

export const namespaces = {
  device: 'http://www.onvif.org/ver10/device/wsdl',
  media: 'http://www.onvif.org/ver10/media/wsdl',
};

/** Becomes the fault that the client gets; `subcodes` without prefix, outermost first. */
export class SoapFault extends Error {
  readonly code: 'Sender' | 'Receiver';
  readonly subcodes: readonly string[];
  readonly status: number;

  constructor(o: { code: 'Sender' | 'Receiver'; subcodes: readonly string[]; reason: string; status?: number }) {
    super(o.reason);
    this.code = o.code;
    this.subcodes = o.subcodes;
    this.status = o.status ?? (o.code === 'Sender' ? 400 : 500);
  }
}

export function envelope(body: string): string {
  return '<?xml version="1.0" encoding="UTF-8"?>\n'
    + '<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema"'
    + ` xmlns:tds="${namespaces.device}" xmlns:trt="${namespaces.media}" xmlns:ter="http://www.onvif.org/ver10/error">`
    + `<env:Body>${body}</env:Body></env:Envelope>`;
}

export function faultEnvelope(fault: SoapFault): string {
  const subcode = fault.subcodes.reduceRight((inner, code) => `<env:Subcode><env:Value>ter:${code}</env:Value>${inner}</env:Subcode>`, '');
  return envelope(`<env:Fault><env:Code><env:Value>env:${fault.code}</env:Value>${subcode}</env:Code>`
    + `<env:Reason><env:Text xml:lang="en">${escapeXml(fault.message)}</env:Text></env:Reason></env:Fault>`);
}

/** An element with escaped text. */
export function leaf(name: string, text: string | number | boolean): string {
  return `<${name}>${escapeXml(String(text))}</${name}>`;
}
