/** What DESCRIBE answers: SDP (RFC 4566) with one control URL a track. */
import { talkPayloadTypes, type TalkCodec } from './ear.ts';
import type { Feed } from './feed.ts';

/** `controlBase` stands before each track's name: nothing, or the stream's URL with a slash. */
export function describeFeed(feed: Feed, o: { address: string; controlBase: string; talk: readonly TalkCodec[] }): string {
  const lines = [
    'v=0', `o=- ${Math.floor(feed.startWallMs)} 1 IN IP4 ${o.address}`, 's=Emulated camera', `c=IN IP4 ${o.address}`, 't=0 0', 'a=control:*', 'a=range:npt=now-',
    ...feed.tracks.flatMap((track, index) => [
      `m=${track.kind} 0 RTP/AVP ${track.payloadType}`, ...track.sdp, `a=control:${o.controlBase}trackID=${index}`, 'a=recvonly',
    ]),
    ...describeTalk(o.talk, `${o.controlBase}trackID=${feed.tracks.length}`),
  ];
  return `${lines.join('\r\n')}\r\n`;
}

/** The way to the loudspeaker, behind the feed's own tracks. `sendonly` is said from the client's side (ONVIF Streaming, 5.3.1). */
function describeTalk(codecs: readonly TalkCodec[], control: string): string[] {
  if (codecs.length === 0) return [];
  return [
    `m=audio 0 RTP/AVP ${codecs.map((codec) => talkPayloadTypes[codec]).join(' ')}`,
    ...codecs.map((codec) => `a=rtpmap:${talkPayloadTypes[codec]} ${codec}/8000`),
    `a=control:${control}`, 'a=sendonly',
  ];
}
