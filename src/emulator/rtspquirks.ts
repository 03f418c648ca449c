/** Where a camera's streams and its RTSP stray from the standard; `Quirks` (face.ts) has these and those of its services. */
import type { StreamName } from './face.ts';
import type { Hostility } from './hostile.ts';

export interface RtspQuirks {
  /** What it sends is meant to do harm. */
  hostile?: Hostility;
  /** It hangs up so long after a viewer began to play. */
  endsAfterMs?: number;
  /** Its main stream has another resolution, for viewers who come from now on: it sends the small one. */
  shrunken?: boolean;
  /** So many viewers at a time of each stream; the next one is refused (453). */
  viewersMax?: number;
  /** Streams that are out of order: 503 for whoever asks. `Camera.breakStream` also ends those that play. */
  broken?: readonly StreamName[];
  /** So many viewers at a time of all its streams; the next one is refused (453). */
  sessionsMax?: number;
  /** Without a sign of life for so long, a viewer is hung up on (60). */
  sessionTimeoutSeconds?: number;
  /** A viewer's reports are no sign of life: only requests are. */
  onlyRequestsKeepAlive?: boolean;
  /** What RTSP offers for proving the password (MD5). */
  digest?: 'MD5' | 'SHA-256' | 'both';
  /** RTSP refuses every password, each time with another nonce, as if that were the reason (401). */
  refusesAll?: boolean;
  /** RTSP knows no stream (404). */
  streamsMissing?: boolean;
  /** RTSP answers bear the number of another request. */
  wrongCseq?: boolean;
  /** So long does RTSP think about each request. */
  answerDelayMs?: number;
  /** Interleaved packets come before the answer to PLAY. */
  dataBeforeAnswer?: boolean;
  /** Tracks are named by whole URLs, not relative to the stream's. */
  absoluteControl?: boolean;
  /** The description does not say what its tracks' names are relative to. */
  noContentBase?: boolean;
  /** Of two interleaved tracks each gets the channels that were wanted for the other. */
  swapsChannels?: boolean;
  /** Of the RTP packets so many are lost. */
  lossPercent?: number;
  /** So many RTP packets are overtaken by the next one. */
  reorderPercent?: number;
  /** Streams come by this way alone; the other is refused (461). */
  onlyTransport?: 'tcp' | 'udp';
  /** Describes the way to its loudspeaker to everybody, and never wants to see the feature named (ONVIF Streaming, 5.3.1). */
  talksUnasked?: boolean;
}
