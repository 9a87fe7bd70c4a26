import { expect, it } from 'vitest';
import { atOnce } from '../../src/outbox/saving';

it('writes at once, and what changes meanwhile together with the next write', async () => {
  const written: number[] = [];
  const open: (() => void)[] = [];
  let value = 1;
  const save = atOnce(() => {
    written.push(value);
    return new Promise((resolve) => open.push(resolve));
  });
  const first = save();
  await Promise.resolve();
  expect(written).toEqual([1]);

  value = 2;
  void save();
  value = 3;
  const last = save();
  open[0]?.();
  await first;
  await Promise.resolve();
  expect(written).toEqual([1, 3]);
  open[1]?.();
  await last;
  expect(written).toEqual([1, 3]);
});
