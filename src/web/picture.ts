/** Somebody's picture, made small and square here, so that neither its size nor what a camera wrote into the file goes to the hub. */
const side = 192;
const quality = 0.85;
/** As the contract has it, for the text of the address. */
const lengthMax = 64 * 1024;

export async function smallPicture(file: Blob): Promise<string> {
  const picture = await createImageBitmap(file);
  const canvas = document.createElement('canvas');
  canvas.width = side;
  canvas.height = side;
  const edge = Math.min(picture.width, picture.height);
  canvas.getContext('2d')?.drawImage(picture, (picture.width - edge) / 2, (picture.height - edge) / 2, edge, edge, 0, 0, side, side);
  picture.close();
  const address = canvas.toDataURL('image/jpeg', quality);
  return address.length <= lengthMax ? address : canvas.toDataURL('image/jpeg', quality / 2);
}
