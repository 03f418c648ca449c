/** The camera's clock: told, set by hand, or left to NTP. */
import { find, findAll, textOf, type XmlElement } from '../../base/xml.ts';
import { cameraTimeMs, type CameraFace } from '../face.ts';
import type { Settings } from '../settings.ts';
import type { Operation } from './operation.ts';
import { leaf, SoapFault } from './soap.ts';

export const clockOperations: readonly (readonly [string, Operation])[] = [
  ['GetSystemDateAndTime', { access: 'PRE_AUTH', answer: getSystemDateAndTime }],
  ['SetSystemDateAndTime', { access: 'WRITE_SYSTEM', answer: setSystemDateAndTime }],
  ['GetNTP', { access: 'READ_SYSTEM', answer: getNtp }],
  ['SetNTP', { access: 'WRITE_SYSTEM', answer: setNtp }],
];

function getSystemDateAndTime(face: CameraFace): string {
  const { clockBy, daylightSavings, timeZone } = face.settings;
  const now = new Date(cameraTimeMs(face) + (face.quirks.localTimeToldMs ?? 0));
  const moment = (name: string): string => `<${name}><tt:Time>${leaf('tt:Hour', now.getUTCHours())}${leaf('tt:Minute', now.getUTCMinutes())}${leaf('tt:Second', now.getUTCSeconds())}</tt:Time>`
    + `<tt:Date>${leaf('tt:Year', now.getUTCFullYear())}${leaf('tt:Month', now.getUTCMonth() + 1)}${leaf('tt:Day', now.getUTCDate())}</tt:Date></${name}>`;
  return `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>${leaf('tt:DateTimeType', clockBy)}${leaf('tt:DaylightSavings', daylightSavings)}`
    + `<tt:TimeZone>${leaf('tt:TZ', timeZone)}</tt:TimeZone>${moment('tt:UTCDateTime')}${moment('tt:LocalDateTime')}</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`;
}

/** By NTP the clock is right from now on, whatever was wrong with it. */
function setSystemDateAndTime(face: CameraFace, request: XmlElement): string {
  const { settings } = face;
  const type = textOf(request, 'DateTimeType');
  const zone = textOf(request, 'TimeZone', 'TZ');
  if (zone !== undefined && !/^[A-Za-z<][\w<>+:.,/-]{2,63}$/.test(zone)) throw invalid('InvalidTimeZone', 'this is no POSIX time zone');
  if (type !== 'Manual' && type !== 'NTP') throw invalid('InvalidDateTime', 'the clock is set by hand or by NTP');
  const wantedMs = type === 'NTP' ? face.clock.wallMs() : readMoment(find(request, 'UTCDateTime'));
  if (wantedMs === undefined && (type === 'Manual' && find(request, 'UTCDateTime') !== undefined)) throw invalid('InvalidDateTime', 'there is no such moment');
  if (wantedMs !== undefined) settings.clockSetMs += wantedMs - cameraTimeMs(face);
  settings.clockBy = type;
  settings.timeZone = zone ?? settings.timeZone;
  settings.daylightSavings = textOf(request, 'DaylightSavings') === 'true';
  return '<tds:SetSystemDateAndTimeResponse/>';
}

function readMoment(moment: XmlElement | undefined): number | undefined {
  const part = (...path: readonly string[]): number => Number(textOf(moment, ...path) ?? Number.NaN);
  const fields = [part('Date', 'Year'), part('Date', 'Month') - 1, part('Date', 'Day'), part('Time', 'Hour'), part('Time', 'Minute'), part('Time', 'Second')] as const;
  const ms = Date.UTC(...fields);
  const date = new Date(ms);
  // A 30th of February would be another day.
  const same = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes()].every((field, index) => field === fields[index]);
  return same ? ms : undefined;
}

const serversMax = 4;

function getNtp({ settings: { ntpServers } }: CameraFace): string {
  const servers = ntpServers.map(({ type, name }) => `<tt:NTPManual>${leaf('tt:Type', type)}${leaf(`tt:${type === 'DNS' ? 'DNSname' : `${type}Address`}`, name)}</tt:NTPManual>`);
  return `<tds:GetNTPResponse><tds:NTPInformation>${leaf('tt:FromDHCP', ntpServers.length === 0)}${servers.join('')}</tds:NTPInformation></tds:GetNTPResponse>`;
}

function setNtp({ settings }: CameraFace, request: XmlElement): string {
  const servers = textOf(request, 'FromDHCP') === 'true' ? [] : findAll(request, 'NTPManual').slice(0, serversMax).map(readServer);
  settings.ntpServers = servers;
  return '<tds:SetNTPResponse/>';
}

function readServer(manual: XmlElement): Settings['ntpServers'][number] {
  const type = textOf(manual, 'Type');
  if (type === 'IPv4') {
    const name = textOf(manual, 'IPv4Address') ?? '';
    if (/^(?:\d{1,3}\.){3}\d{1,3}$/.test(name)) return { type, name };
    throw invalid('InvalidIPv4Address', 'this is no IPv4 address');
  }
  const name = textOf(manual, type === 'DNS' ? 'DNSname' : 'IPv6Address') ?? '';
  if (type === 'DNS' && /^[A-Za-z0-9.-]{1,253}$/.test(name)) return { type, name };
  if (type === 'IPv6' && /^[0-9A-Fa-f:.]{2,45}$/.test(name)) return { type, name };
  throw invalid(type === 'IPv6' ? 'InvalidIPv6Address' : 'InvalidDnsName', 'this names no server');
}

function invalid(subcode: string, reason: string): SoapFault {
  return new SoapFault({ code: 'Sender', subcodes: ['InvalidArgVal', subcode], reason });
}
