/** What may be a password: long enough, not longer than we hash, and not what everybody knows of its owner. No rules about characters. */

export const passwordMinimum = 10
export const passwordMaximum = 256

/** Why this cannot be the password of somebody with these names and addresses, as a sentence; null if it can. */
export function passwordFault(password: string, known: readonly string[]): string | null {
  const text = password.normalize('NFC')
  if ([...text].length < passwordMinimum) return `A password has at least ${passwordMinimum} characters.`
  if (text.length > passwordMaximum) return `A password has at most ${passwordMaximum} characters.`
  const folded = text.toLowerCase()
  const taken = known.some((word) => {
    const name = word.toLowerCase()
    return name !== '' && (folded === name || folded === name.split('@')[0] || folded === name.repeat(2))
  })
  if (taken) return 'Your name or your address is the first password that anybody tries. Choose another.'
  if (/^(.)\1*$/su.test(text)) return 'This is one character, many times. Choose another.'
  return null
}
