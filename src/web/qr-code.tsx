/* A QR code as SVG: dark on light in either colour scheme, with the four modules of quiet that scanners need. */
import { encode } from 'uqr'

export function QrCode(props: { text: string; label: string }) {
  const { data, size } = encode(props.text, { ecc: 'M', border: 4 })
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={props.label}>
      <rect width={size} height={size} />
      <path d={data.map(rowPath).join('')} />
    </svg>
  )
}

/** Each run of dark modules is one bar. */
function rowPath(row: readonly boolean[], y: number): string {
  let path = ''
  let x = 0
  while (x < row.length) {
    const start = x
    while (x < row.length && row[x]) x++
    if (x > start) path += `M${start} ${y}h${x - start}v1H${start}z`
    else x++
  }
  return path
}
