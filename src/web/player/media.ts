/** Media Source Extensions as this browser has them: MediaSource, or ManagedMediaSource where only that exists (iPhones). */

type SourceClass = (new () => MediaSource) & { isTypeSupported(type: string): boolean };

interface Sources {
  readonly MediaSource?: SourceClass;
  readonly ManagedMediaSource?: SourceClass;
}

function sourceClass(): SourceClass | undefined {
  const { MediaSource, ManagedMediaSource } = window as unknown as Sources;
  return MediaSource ?? ManagedMediaSource;
}

export function mediaType({ video, audio }: { readonly video: string; readonly audio?: string | null | undefined }): string {
  return `video/mp4; codecs="${typeof audio === 'string' ? `${video}, ${audio}` : video}"`;
}

/** Whether this browser shows that at all. */
export function canShow(type: string): boolean {
  return sourceClass()?.isTypeSupported(type) === true;
}

/** A managed source tells when it wants no more; one that does not manage always does. */
export function wantsMore(source: MediaSource): boolean {
  return (source as { readonly streaming?: boolean }).streaming !== false;
}

export interface OpenMedia {
  readonly source: MediaSource;
  readonly buffer: SourceBuffer;
  close(): void;
}

/** Takes the video over for a source of that type; undefined when somebody else took it meanwhile, or the browser refuses. */
export async function openMedia(video: HTMLVideoElement, type: string): Promise<OpenMedia | undefined> {
  const Source = sourceClass();
  if (Source === undefined) return undefined;
  const source = new Source();
  const address = URL.createObjectURL(source);
  const opened = new Promise<void>((resolve) => { source.addEventListener('sourceopen', () => resolve(), { once: true }); });
  // Without this an iPhone never opens a managed source.
  video.disableRemotePlayback = true;
  video.src = address;
  await Promise.race([opened, new Promise((resolve) => { setTimeout(resolve, 5000); })]);
  URL.revokeObjectURL(address);
  if (source.readyState !== 'open' || video.src !== address) return undefined;
  try {
    const buffer = source.addSourceBuffer(type);
    return {
      source, buffer,
      close: () => {
        if (video.src !== address) return;
        video.removeAttribute('src');
        video.load();
      },
    };
  } catch {
    return undefined;
  }
}
