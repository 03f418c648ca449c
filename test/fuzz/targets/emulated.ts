/** What reaches an emulated camera: whoever tries a client on it sends broken bytes, and it is to live on. */
import { Ear } from '../../../src/emulator/ear.ts';
import { chooseTransport, formatReply, readUri, RtspParser, RtspSyntaxError } from '../../../src/emulator/rtspmessage.ts';
import { byteMutators, textMutators } from '../mutate.ts';
import { expect, type Target } from '../target.ts';

const words = ['\r\n', '\r\n\r\n', '$', ' RTSP/1.0', 'Content-Length: ', 'CSeq: ', 'Transport: ', 'RTP/AVP/TCP;unicast;interleaved=', 'RTP/AVP;unicast;client_port=', '/trackID=', 'SETUP ', ':', ',', ';', '-', '99999', '\u0000'];
const talk = Buffer.concat([Buffer.from([0x24, 0, 0, 20, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7]), Buffer.alloc(8, 0x55)]);

export const rtsp: Target = {
  name: 'rtsp',
  what: 'RTSP requests and a talker\'s packets (src/emulator/rtspmessage.ts, ear.ts)',
  bytesMax: 16_384,
  longRun: 1_000_000,
  mutators: [...textMutators(words), ...byteMutators],
  corpus: () => [
    Buffer.from('DESCRIBE rtsp://127.0.0.2:554/main RTSP/1.0\r\nCSeq: 1\r\nRequire: www.onvif.org/ver20/backchannel\r\n\r\n'),
    Buffer.from('SETUP rtsps://127.0.0.2/main/trackID=1 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n'),
    Buffer.concat([Buffer.from('SET_PARAMETER * RTSP/1.0\r\nCSeq: 3\r\nContent-Length: 5\r\n\r\nabcde'), talk, talk]),
  ],
  read(bytes) {
    const parser = new RtspParser();
    const ear = new Ear(['PCMU', 'PCMA']);
    ear.take(parser);
    let [requests, packets] = [0, 0];
    try {
      const step = Math.max(1, (bytes[0] ?? 0) * 8);
      for (let at = 0; at < bytes.length; at += step) {
        for (const arrived of parser.push(bytes.subarray(at, at + step))) {
          if ('payload' in arrived) {
            packets++;
            ear.hear(parser, arrived.payload);
            continue;
          }
          requests++;
          const { trackIndex = 0 } = readUri(arrived.uri);
          const transport = chooseTransport(arrived.headers.get('transport') ?? '', () => true);
          expect(Number.isInteger(trackIndex) && trackIndex < 1000, 'a track has a small number');
          expect(transport?.kind !== 'udp' || (transport.rtpPort > 0 && transport.rtcpPort < 65_536), 'ports are ports');
          expect(!formatReply(arrived.headers.get('cseq'), { status: 200 }).subarray(0, -4).includes('\r\n\r\n'), 'an answer has one head');
        }
      }
      expect(ear.heard().length <= bytes.length, 'no more is heard than came');
      return `read ${Math.min(requests, 4)} ${Math.min(packets, 4)} ${Math.min(ear.hearing.packets, 4)}`;
    } catch (error) {
      if (error instanceof RtspSyntaxError) return `refused ${error.message}`;
      throw error;
    }
  },
};
