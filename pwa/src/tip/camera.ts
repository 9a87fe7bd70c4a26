import { ref } from 'vue';

/** The file inputs live in App, so that Home can open the camera in the same tap that opens the report page. */
export const inputs = {
  camera: ref<HTMLInputElement | null>(null),
  gallery: ref<HTMLInputElement | null>(null),
  video: ref<HTMLInputElement | null>(null),
  voice: ref<HTMLInputElement | null>(null),
};

/** Opens the camera, the gallery, the video camera or the sound recorder; call inside a tap. */
export function shoot(what: keyof typeof inputs): void {
  inputs[what].value?.click();
}
