/** The picture in a small window above all others, where the browser lets pages open one. */

export function canPictureInPicture(): boolean {
  return document.pictureInPictureEnabled && "requestPictureInPicture" in HTMLVideoElement.prototype;
}

/** @throws DOMException without a picture or a gesture */
export async function togglePictureInPicture(video: HTMLVideoElement): Promise<void> {
  if (document.pictureInPictureElement) await document.exitPictureInPicture();
  else await video.requestPictureInPicture();
}
