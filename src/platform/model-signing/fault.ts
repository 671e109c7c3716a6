/** Why a model signature does not count. */
export const modelSignatureReasons = [
  'unknown_key',
  'bad_signature',
  'bad_certificate',
  'expired_certificate',
  'file_changed',
  'file_missing',
  'file_extra',
  'malformed',
  'unsupported',
] as const

export type ModelSignatureReason = (typeof modelSignatureReasons)[number]

/** Says in one sentence what is wrong with a bundle. */
export class BundleFault extends Error {
  override readonly name = 'BundleFault'
  readonly reason: ModelSignatureReason

  constructor(reason: ModelSignatureReason, detail: string) {
    super(detail)
    this.reason = reason
  }
}

export function malformed(detail: string): BundleFault {
  return new BundleFault('malformed', detail)
}

export function unsupported(detail: string): BundleFault {
  return new BundleFault('unsupported', detail)
}
