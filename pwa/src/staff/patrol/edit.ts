/** An enterprise's file, mended on the spot: what was seen and what it should be, field by field. */
import type { JsonObject, SubmissionBody } from '@/outbox';
import type { Enterprise } from '../wire';

export type Mended = {
  short_name: string;
  address: string;
  contact_name: string;
  contact_phone: string;
  place: { lat: number; lng: number } | null;
  active: boolean;
};
export type EditData = { enterprise_id: string; enterprise_name: string; seen_version: number; was: Mended; now: Mended };

export const TEXTS = ['contact_name', 'contact_phone', 'short_name', 'address'] as const;

const seen = (one: Enterprise): Mended => ({
  short_name: one.short_name ?? '',
  address: one.address,
  contact_name: one.contact_name ?? '',
  contact_phone: one.contact_phone ?? '',
  place: one.lat === null || one.lng === null ? null : { lat: one.lat, lng: one.lng },
  active: one.active,
});

export const beginEdit = (one: Enterprise): EditData => ({
  enterprise_id: one.id,
  enterprise_name: one.name,
  seen_version: one.version,
  was: seen(one),
  now: seen(one),
});

/** The server knows no empty names and numbers, only missing ones. */
const told = (name: keyof Mended, value: Mended[keyof Mended]) =>
  typeof value === 'string' ? value.trim() || (name === 'address' ? '' : null) : value;

/** The fields that differ, as `{name: {was, now}}`. */
export function changesOf({ was, now }: Pick<EditData, 'was' | 'now'>): JsonObject {
  const names = Object.keys(was) as (keyof Mended)[];
  const pairs = names.map((name) => [name, { was: told(name, was[name]), now: told(name, now[name]) }] as const);
  return Object.fromEntries(pairs.filter(([, two]) => JSON.stringify(two.was) !== JSON.stringify(two.now)));
}

export const bodyOfEdit = (data: EditData, label: string): SubmissionBody => ({
  kind: 'edit',
  body: { topic: 'enterprise', id: data.enterprise_id, seen_version: data.seen_version, fields: changesOf(data) },
  label,
});
