/** What can be wrong with a tip, found on the phone where it can still be mended. Pure; sentences are in i18n `fault.*`. */

export type Point = { lat: number; lng: number };
export type TipForm = {
  text: string;
  hazardType: string | null;
  point: Point | null;
  /** Metres, as the phone measured it; null for a pin set by hand. */
  accuracy: number | null;
  source: 'gps' | 'pin' | null;
  placeWords: string;
  enterprise: string;
  named: boolean;
  name: string;
  phone: string;
  /** Where to tell of news; null: nowhere. */
  contact: Contact | null;
};
export type Contact = { kind: 'sms' | 'mail'; to: string };
export type FieldName = 'content' | 'text' | 'place' | 'placeWords' | 'enterprise' | 'name' | 'phone' | 'contact';
export type Fault = { code: string; params: Record<string, string | number> };
export type Faults = Partial<Record<FieldName, Fault>>;

export const NAME_CHARACTERS = 100;
export const TEXT_CHARACTERS = 5000;

export const blankForm = (): TipForm => ({
  text: '', hazardType: null, point: null, accuracy: null, source: null, placeWords: '', enterprise: '',
  named: false, name: '', phone: '', contact: null,
});

/** True where a point cannot be meant: farther outside `bounds` [min lng, min lat, max lng, max lat] than a quarter of the
 * county's size (at least 0.3°, about 30 km, for the county's edge and a phone's error). */
export function farOutside(point: Point, bounds: readonly number[]): boolean {
  const [west, south, east, north] = bounds;
  if (west === undefined || south === undefined || east === undefined || north === undefined) return false;
  const x = Math.max(0.3, (east - west) / 4);
  const y = Math.max(0.3, (north - south) / 4);
  return point.lng < west - x || point.lng > east + x || point.lat < south - y || point.lat > north + y;
}

/** Every field that must change before the tip can be submitted. `bounds` null: the county is not known on this phone. */
export function findFaults(form: TipForm, mediaCount: number, bounds: readonly number[] | null, textLimit = TEXT_CHARACTERS): Faults {
  const faults: Faults = {};
  const length = (text: string) => [...text.trim()].length;
  const tooLong = (field: FieldName, text: string, limit: number) => {
    if (length(text) > limit) faults[field] = { code: `${field}TooLong`, params: { n: length(text), limit } };
  };
  if (!length(form.text) && !mediaCount) faults.content = { code: 'empty', params: {} };
  tooLong('text', form.text, textLimit);
  tooLong('placeWords', form.placeWords, NAME_CHARACTERS * 5);
  tooLong('enterprise', form.enterprise, NAME_CHARACTERS);
  if (form.point && bounds && farOutside(form.point, bounds)) faults.place = { code: 'placeFar', params: {} };
  else if (!form.point && !length(form.placeWords) && !length(form.enterprise)) faults.place = { code: 'placeMissing', params: {} };
  if (form.named) {
    if (!length(form.name)) faults.name = { code: 'nameMissing', params: {} };
    tooLong('name', form.name, NAME_CHARACTERS);
    const digits = form.phone.replace(/[\s+()-]/g, '');
    if (!digits) faults.phone = { code: 'phoneMissing', params: {} };
    else if (!/^\d{7,15}$/.test(digits)) faults.phone = { code: 'phoneOdd', params: {} };
  }
  if (form.contact && !fits(form.contact)) faults.contact = { code: `contact.${form.contact.kind}`, params: {} };
  return faults;
}

/** Whether it looks like a telephone number or a mail address. */
export const fits = ({ kind, to }: Contact): boolean =>
  kind === 'mail' ? /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(to.trim()) : /^\+?\d{7,15}$/.test(to.replace(/[\s-]/g, ''));
/** As the sending worker reads it (PROTOCOL.md); sealed to the notice key before it leaves the phone. */
export const toSeal = ({ kind, to }: Contact, lang: string) =>
  ({ v: 1, kind, to: kind === 'mail' ? to.trim() : to.replace(/[\s-]/g, ''), lang }) as const;
