import { qrPath } from '../qr-path';

/** A text as a QR code; says so if it does not fit into one. @param label what it holds */
export function QrCode({ text, label }: { text: string; label: string }) {
  const code = qrPath(text);
  if (code === null) return <p class="hint">It is too long for a QR code.</p>;
  return (
    <svg class="qr" viewBox={`0 0 ${code.size} ${code.size}`} role="img" aria-label={`QR code: ${label}`}>
      <path class="light" d={`M0 0h${code.size}v${code.size}H0z`} />
      <path class="dark" d={code.path} />
    </svg>
  );
}
