/** What is done with a camera's sound. `copy` needs no decoder; `transcode` makes AAC of it, which fMP4 and every browser can carry. */
export type AudioRule = 'drop' | 'copy' | 'transcode';

/** ffmpeg's names (`pcm_alaw`), RTP's (`PCMA`) and ONVIF's (`G711`), in lower case. */
const rules: ReadonlyMap<string, AudioRule> = new Map([
  ['aac', 'copy'], ['mp4a-latm', 'copy'], ['mpeg4-generic', 'copy'],
  ['aac_latm', 'transcode'],
  ['g711', 'transcode'], ['pcm_alaw', 'transcode'], ['pcma', 'transcode'], ['pcm_mulaw', 'transcode'], ['pcmu', 'transcode'],
  ['g726', 'transcode'], ['adpcm_g726', 'transcode'], ['adpcm_g726le', 'transcode'], ['adpcm_g722', 'transcode'], ['g722', 'transcode'],
  ['pcm_s16be', 'transcode'], ['pcm_s16le', 'transcode'], ['l16', 'transcode'],
  ['opus', 'transcode'], ['mp3', 'transcode'], ['mp2', 'transcode'], ['vorbis', 'transcode'],
]);

/** `accepted`: the owner has said yes to this camera's microphone. An unknown codec is dropped: footage without sound beats no footage. */
export function audioRule(accepted: boolean, codec: string | undefined): AudioRule {
  if (!accepted || codec === undefined) return 'drop';
  return rules.get(codec.trim().toLowerCase()) ?? 'drop';
}
