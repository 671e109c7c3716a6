/** Hashes in addresses: 64 lowercase hex digits, in the word order of Xet. */
import { HoldfastError } from '../../domain/errors.ts'

/** Throws the error that says what was meant to be there. */
export function parseHash(text: string, code: 'xet_xorb_invalid' | 'xet_file_missing' | 'xet_chunk_unknown'): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text
  throw new HoldfastError(code, { reason: 'Its name is not 64 lowercase hexadecimal digits.' })
}
