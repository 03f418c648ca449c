/** A file on the person's own disk that they choose, where the browser has such a thing. */

/** Of what is held in memory where it has not: more would make a phone give up. */
export const memoryBytesMax = 512 * 1000 * 1000;

/** What of a `FileSystemFileHandle` is needed. */
export interface FileHandle {
  readonly name: string;
  createWritable(): Promise<FileStream>;
}
export interface FileStream {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

interface Picker {
  showSaveFilePicker?(options: { suggestedName: string; types: { description: string; accept: Record<string, string[]> }[] }): Promise<FileHandle>;
}

export function canStream(): boolean {
  return (window as Picker).showSaveFilePicker !== undefined;
}

/** Asks the person where; undefined where the browser cannot ask, `left` when they chose nothing. To be called by their click. */
export async function chooseFile(suggestedName: string, description: string): Promise<FileHandle | 'left' | undefined> {
  try {
    return await (window as Picker).showSaveFilePicker?.({ suggestedName, types: [{ description, accept: { 'video/mp4': ['.mp4'] } }] });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return 'left';
    // A browser that has it and may not use it, such as in a frame.
    if (error instanceof DOMException && error.name === 'SecurityError') return undefined;
    throw error;
  }
}
