import { encode } from 'uqr';

/** Where the code leads when scanned: the fragment never reaches a server's log. */
const progressLink = (code: string) => `${location.origin}/tip/progress#${code}`;

/** The QR code of a receipt as an SVG path in a 100×100 box, quiet zone included. */
export function qrPath(code: string): { path: string } {
  const { data, size } = encode(progressLink(code), { ecc: 'M', border: 3 });
  const unit = 100 / size;
  let path = '';
  data.forEach((row, y) =>
    row.forEach((dark, x) => {
      if (dark) path += `M${(x * unit).toFixed(3)} ${(y * unit).toFixed(3)}h${unit.toFixed(3)}v${unit.toFixed(3)}h-${unit.toFixed(3)}z`;
    }),
  );
  return { path };
}

/** A picture of the receipt to keep among one's photos: code in groups, QR and how to use it. Nothing of the report is on it. */
export async function receiptPicture(receipt: { code: string; title: string; lines: readonly string[] }): Promise<Blob> {
  const canvas = document.createElement('canvas');
  canvas.width = 1080;
  canvas.height = 1560;
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('no canvas');
  const font = getComputedStyle(document.body).fontFamily;
  pen.fillStyle = '#ffffff';
  pen.fillRect(0, 0, 1080, 1560);
  pen.fillStyle = '#0f4f4a';
  pen.fillRect(0, 0, 1080, 200);
  pen.fillStyle = '#ffffff';
  pen.textAlign = 'center';
  pen.font = `600 60px ${font}`;
  pen.fillText(receipt.title, 540, 122);

  const groups = receipt.code.match(/.{1,4}/g) ?? [];
  pen.fillStyle = '#1d2422';
  pen.font = '700 76px ui-monospace, "Roboto Mono", "Noto Sans Mono", Menlo, Consolas, monospace';
  pen.fillText(groups.slice(0, 3).join('  '), 540, 330);
  pen.fillText(groups.slice(3).join('  '), 540, 430);

  const { data, size } = encode(progressLink(receipt.code), { ecc: 'M', border: 2 });
  const unit = Math.floor(720 / size);
  const left = Math.round((1080 - unit * size) / 2);
  data.forEach((row, y) =>
    row.forEach((dark, x) => {
      if (dark) pen.fillRect(left + x * unit, 500 + y * unit, unit, unit);
    }),
  );
  pen.fillStyle = '#48514e';
  pen.font = `400 40px ${font}`;
  receipt.lines.forEach((line, index) => pen.fillText(line, 540, 1320 + index * 68, 980));
  return await new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no picture'))), 'image/png'),
  );
}
