import { shallowReactive } from 'vue';
import { getSectors, getUnits } from '../server';
import type { Sector, Unit } from '../wire';

/** The county's sectors and units, for choosing among them; empty until they were fetched once. */
export const reference = shallowReactive<{ sectors: Sector[]; units: Unit[] }>({ sectors: [], units: [] });

let asked: Promise<void> | null = null;
/** Throws nothing: without signal the lists stay empty and are asked for again. */
export function loadReference(): Promise<void> {
  asked ??= Promise.all([getSectors(), getUnits()]).then(
    ([sectors, units]) => void Object.assign(reference, { sectors, units }),
    () => void (asked = null),
  );
  return asked;
}
/** Undefined until the lists are here, and for a number that is none of the county's. */
export const sectorTitle = (no: unknown): string | undefined => reference.sectors.find((sector) => sector.no === no)?.title;
