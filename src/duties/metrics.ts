/** The hub's state as numbers for Prometheus, from the same facts as the status. Cameras are named by their ids; nothing personal is in it. */
import { exposition, type MetricFamily, type MetricSample } from '../base/exposition.ts';
import { version } from '../base/version.ts';
import { eventsKinds } from '../policy/subscriptions.ts';
import type { SealedAge } from './sealing.ts';
import type { HubStatus } from './status.ts';
import type { StreamStatus } from './streamwatch.ts';

export function metricsText(status: HubStatus, ages: readonly SealedAge[], startedMs: number): string {
  return exposition([...hubFamilies(status, startedMs), ...streamFamilies(status, ages), ...eventFamilies(status), ...alarmFamilies(status)]);
}

function hubFamilies({ disk, notices, footage }: HubStatus, startedMs: number): MetricFamily[] {
  const kinds = Map.groupBy(notices, ({ kind }) => kind);
  return [
    family('sallyport_info', 'gauge', 'Always 1; the version is its label.', [{ labels: { version }, value: 1 }]),
    family('sallyport_start_time_seconds', 'gauge', 'When the hub started, in Unix time.', [{ value: Math.round(startedMs / 1000) }]),
    family('sallyport_disk_free_bytes', 'gauge', 'Free on the disk with the footage.', [{ value: disk.freeBytes }]),
    family('sallyport_disk_size_bytes', 'gauge', 'Size of the disk with the footage.', [{ value: disk.totalBytes }]),
    family('sallyport_footage_bytes', 'gauge', 'Sealed footage that is kept.', footage.map(({ camera, bytes }) => ({ labels: { camera }, value: bytes }))),
    family('sallyport_notices_open', 'gauge', 'What the owner should hear of now, by kind.', [...kinds].map(([kind, open]) => ({ labels: { kind }, value: open.length }))),
  ];
}

function streamFamilies({ cameras }: HubStatus, ages: readonly SealedAge[]): MetricFamily[] {
  const each = (value: (stream: StreamStatus) => number): MetricSample[] =>
    cameras.flatMap(({ camera, streams }) => streams.map((stream) => ({ labels: { camera, stream: stream.stream }, value: value(stream) })));
  return [
    family('sallyport_last_sealed_age_seconds', 'gauge', 'Since a segment of the stream was sealed; before the first one, since it is watched. Only of streams that are to be recorded.',
      ages.filter(({ wanted }) => wanted).map(({ camera, stream, ageMs }) => ({ labels: { camera, stream }, value: Math.round(ageMs) / 1000 }))),
    family('sallyport_stream_online', 'gauge', '1 while pictures come.', each(({ online }) => Number(online))),
    family('sallyport_stream_recording', 'gauge', '1 while a segment is open.', each(({ recording }) => Number(recording))),
    family('sallyport_stream_restarts_total', 'counter', 'How often ffmpeg was started again.', each(({ restarts }) => restarts)),
    family('sallyport_stream_gaps_total', 'counter', 'Times without footage that were noted.', each(({ gaps }) => gaps)),
    family('sallyport_stream_received_bytes_total', 'counter', 'Media bytes from the camera.', each(({ bytes }) => bytes)),
    family('sallyport_sealed_segments_total', 'counter', 'Segments that were sealed.', each(({ segmentsSealed }) => segmentsSealed)),
    family('sallyport_sealed_bytes_total', 'counter', 'Media bytes in them.', each(({ bytesSealed }) => bytesSealed)),
  ];
}

function eventFamilies({ cameras }: HubStatus): MetricFamily[] {
  const observed = cameras.flatMap(({ camera, events }) => (events === undefined ? [] : [{ camera, ...events }]));
  return [
    family('sallyport_events_state', 'gauge', 'How the camera\'s events come: 1 for the state that it is in.',
      observed.flatMap(({ camera, state }) => eventsKinds.map((kind) => ({ labels: { camera, state: kind }, value: Number(state.kind === kind) })))),
    family('sallyport_event_pulls_total', 'counter', 'How often the camera answered when it was asked for events.', observed.map(({ camera, pulls }) => ({ labels: { camera }, value: pulls }))),
    family('sallyport_observations_total', 'counter', 'Observations that began, by kind.',
      observed.flatMap(({ camera, observed: kinds }) => Object.entries(kinds).map(([kind, count]) => ({ labels: { camera, kind }, value: count })))),
    family('sallyport_observations_lost_total', 'counter', 'Observations and messages that no bound or disk had room for.', observed.map(({ camera, lost, dropped }) => ({ labels: { camera }, value: lost + dropped }))),
  ];
}

function alarmFamilies({ cameras, alarms }: HubStatus): MetricFamily[] {
  const looking = cameras.flatMap(({ camera, looking: looker }) => (looker === undefined ? [] : [{ camera, ...looker }]));
  // Names of rules are their owner's words.
  const sum = (counts: Readonly<Record<string, number>>): MetricSample[] => [{ value: Object.values(counts).reduce((all, one) => all + one, 0) }];
  return [
    family('sallyport_alarms_open', 'gauge', 'Alarms that last.', [{ value: alarms.open }]),
    family('sallyport_alarms_total', 'counter', 'Alarms that began.', sum(alarms.begun)),
    family('sallyport_alarms_suppressed_total', 'counter', 'Visits that were no alarm, because there were too many.', sum(alarms.suppressed)),
    family('sallyport_alarms_failed_total', 'counter', 'Alarms that could not be kept.', [{ value: alarms.failed }]),
    family('sallyport_alarms_without_pictures_total', 'counter', 'Alarms without pictures.', [{ value: alarms.withoutPictures }]),
    family('sallyport_alarm_segments_not_held_total', 'counter', 'Segments of alarms that could not be held.', [{ value: alarms.notHeld }]),
    family('sallyport_looks_dropped_total', 'counter', 'Looks that were dropped for newer ones.', [{ value: alarms.droppedLooks }]),
    family('sallyport_looked_frames_total', 'counter', 'Small pictures that were looked at for motion.', looking.map(({ camera, frames }) => ({ labels: { camera }, value: frames }))),
    family('sallyport_looks_total', 'counter', 'Pictures that the detector looked at.', looking.map(({ camera, looks }) => ({ labels: { camera }, value: looks }))),
    family('sallyport_looks_missed_total', 'counter', 'Looks that came to nothing.', looking.map(({ camera, missed }) => ({ labels: { camera }, value: missed }))),
    family('sallyport_seen_total', 'counter', 'What the hub has seen itself, by kind.',
      looking.flatMap(({ camera, seen }) => Object.entries(seen).map(([kind, count]) => ({ labels: { camera, kind }, value: count })))),
  ];
}

function family(name: string, type: 'gauge' | 'counter', help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, type, help, samples };
}
