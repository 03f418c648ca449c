/** What DESCRIBE answers: SDP (RFC 4566) with one control URL a track. */
import { talkPayloadTypes, type TalkCodec } from './ear.ts';
import type { Feed } from './feed.ts';

export function describeFeed(feed: Feed, o: { address: string; talk: readonly TalkCodec[] }): string {
  const lines = [
    'v=0', `o=- ${Math.floor(feed.startWallMs)} 1 IN IP4 ${o.address}`, 's=Emulated camera', `c=IN IP4 ${o.address}`, 't=0 0', 'a=control:*', 'a=range:npt=now-',
    ...feed.tracks.flatMap((track, index) => [
      `m=${track.kind} 0 RTP/AVP ${track.payloadType}`, ...track.sdp, `a=control:trackID=${index}`, 'a=recvonly',
    ]),
    ...describeTalk(o.talk, feed.tracks.length),
  ];
  return `${lines.join('\r\n')}\r\n`;
}

/** The way to the loudspeaker, behind the feed's own tracks. `sendonly` is said from the client's side (ONVIF Streaming, 5.3.1). */
function describeTalk(codecs: readonly TalkCodec[], index: number): string[] {
  if (codecs.length === 0) return [];
  return [
    `m=audio 0 RTP/AVP ${codecs.map((codec) => talkPayloadTypes[codec]).join(' ')}`,
    ...codecs.map((codec) => `a=rtpmap:${talkPayloadTypes[codec]} ${codec}/8000`),
    `a=control:trackID=${index}`, 'a=sendonly',
  ];
}
