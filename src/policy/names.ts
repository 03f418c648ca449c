/** Names of cameras: the id is a folder name, a part of every row and what people type, so it is short, plain and never changes. */

/** 1 to 40 of a–z, 0–9 and hyphen; begins with a letter or digit, so that it is never an option, a hidden file or a path. */
export const cameraIdPattern = /^[a-z0-9][a-z0-9-]{0,39}$/;

export function isCameraId(text: string): boolean {
  return cameraIdPattern.test(text);
}

/** An id for a camera that calls itself `name` ("Front door" → front-door), unlike each in `taken`; "camera" where the name gives nothing. */
export function slugOf(name: string, taken: Iterable<string>): string {
  const others = new Set(taken);
  const stem = plainLetters(name) || 'camera';
  if (!others.has(stem)) return stem;
  for (let number = 2; ; number++) {
    const ending = `-${number}`;
    const id = `${stem.slice(0, 40 - ending.length).replace(/-+$/, '')}${ending}`;
    if (!others.has(id)) return id;
  }
}

function plainLetters(name: string): string {
  return name
    .slice(0, 400)
    .replaceAll('ß', 'ss')
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 41)
    .replaceAll(/^-+/g, '')
    .slice(0, 40)
    .replace(/-+$/, '');
}

/** Of a notice: its number, or the beginning of it that stands in its text. */
export const noticeNumberPattern = /^[0-9a-f]{8,32}$/;
