import { describe, expect, it } from 'vitest';
import { blankForm, farOutside, findFaults, type TipForm } from './rules';

const MAQIN = [98.0, 33.7, 101.0, 35.4] as const;
const tip = (change: Partial<TipForm>): TipForm => ({ ...blankForm(), text: '出口锁了', placeWords: '雪山宾馆二楼', ...change });
const codes = (form: TipForm, media = 0, bounds: readonly number[] | null = MAQIN) =>
  Object.fromEntries(Object.entries(findFaults(form, media, bounds)).map(([field, fault]) => [field, fault.code]));

describe('a place that cannot be meant', () => {
  it.each([
    ['the North Pole', 90, 0],
    ['Beijing', 39.9, 116.4],
    ['zero, zero', 0, 0],
  ])('%s is far outside', (_where, lat, lng) => expect(farOutside({ lat, lng }, MAQIN)).toBe(true));

  it.each([
    ['the middle', 34.5, 100.2],
    ['just over the edge', 35.6, 101.2],
  ])('%s is not', (_where, lat, lng) => expect(farOutside({ lat, lng }, MAQIN)).toBe(false));

  it('is never said without knowing the county', () => expect(farOutside({ lat: 90, lng: 0 }, [])).toBe(false));
});

describe('what must change before a tip can be submitted', () => {
  it('nothing, for a sentence and a place in words', () => expect(codes(tip({}))).toEqual({}));
  it('nothing, for a photo without a word', () => expect(codes(tip({ text: ' ' }), 1)).toEqual({}));
  it.each([
    ['sms', '139 0975 1234', {}],
    ['sms', '12', { contact: 'contact.sms' }],
    ['mail', ' a@b.cn ', {}],
    ['mail', '13909751234', { contact: 'contact.mail' }],
  ] as const)('a contact by %s: %s', (kind, to, said) => expect(codes(tip({ contact: { kind, to } }))).toEqual(said));
  it('an empty report', () => expect(codes(tip({ text: ' \n' }))).toEqual({ content: 'empty' }));
  it('no place at all', () => expect(codes(tip({ placeWords: '' }))).toEqual({ place: 'placeMissing' }));
  it('the enterprise alone says where', () => expect(codes(tip({ placeWords: '', enterprise: '雪山宾馆' }))).toEqual({}));
  it('a pin at the North Pole, words or not', () =>
    expect(codes(tip({ point: { lat: 90, lng: 0 }, source: 'pin' }))).toEqual({ place: 'placeFar' }));
  it('a 200-character enterprise', () => {
    const fault = findFaults(tip({ enterprise: '雪'.repeat(200) }), 0, MAQIN).enterprise;
    expect(fault).toEqual({ code: 'enterpriseTooLong', params: { n: 200, limit: 100 } });
  });
  it('exactly at the limit is fine, one more is not; 𠮷 counts once', () => {
    expect(codes(tip({ text: '𠮷'.repeat(5000) }))).toEqual({});
    expect(codes(tip({ text: '𠮷'.repeat(5001) }))).toEqual({ text: 'textTooLong' });
  });
  it('a named report without name and number', () =>
    expect(codes(tip({ named: true }))).toEqual({ name: 'nameMissing', phone: 'phoneMissing' }));
  it('a 200-character name and words for a number', () =>
    expect(codes(tip({ named: true, name: '扎'.repeat(200), phone: '不知道' }))).toEqual({ name: 'nameTooLong', phone: 'phoneOdd' }));
  it('what was typed as a name does not matter to an anonymous report', () =>
    expect(codes(tip({ named: false, name: '扎'.repeat(200), phone: 'x' }))).toEqual({}));
  it.each(['13997001234', '+86 139 9700 1234', '0975-8382111'])('%s is a phone number', (phone) =>
    expect(codes(tip({ named: true, name: '才让', phone }))).toEqual({}));
});
