/** Opens the phone's camera (or its gallery) from a tap; an empty list when the person changed their mind. */
export function choosePhotos(from: 'camera' | 'gallery'): Promise<File[]> {
  const input = document.createElement('input');
  input.type = 'file';
  input.accept = from === 'camera' ? 'image/*' : 'image/*,video/*';
  if (from === 'camera') input.capture = 'environment';
  else input.multiple = true;
  input.hidden = true;
  document.body.append(input); // Safari forgets a chooser that belongs to no document
  return new Promise((resolve) => {
    const done = (files: File[]) => {
      input.remove();
      resolve(files);
    };
    input.addEventListener('change', () => done([...(input.files ?? [])]));
    input.addEventListener('cancel', () => done([]));
    input.click();
  });
}

let pending: Promise<File[]> | null = null;

/** Shoot first, then the form: the camera opens in the tap that leads to the next screen, which takes the photo from here. */
export function shootForNextScreen(): void {
  pending = choosePhotos('camera');
}
export function takeShot(): Promise<File[]> {
  const shot = pending ?? Promise.resolve([]);
  pending = null;
  return shot;
}
