/** The part of fluent-ffmpeg 2.1 that we use: it puts arguments in order; it never starts a program for us. */
declare module 'fluent-ffmpeg' {
  interface FfmpegCommand {
    input(source: string): FfmpegCommand;
    inputOptions(options: string[]): FfmpegCommand;
    output(target: string): FfmpegCommand;
    outputOptions(options: string[]): FfmpegCommand;
    /** Global, input and output arguments in ffmpeg's order, without the program's name. */
    _getArguments(): string[];
  }
  export default function ffmpeg(): FfmpegCommand;
}
