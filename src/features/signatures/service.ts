/** What other features may ask about signatures of commits. */
export { presentVerification } from './present.ts'
export { type Verification, verificationsOf } from './verifications.ts'
export { type SignatureView, signatureView } from './words.ts'
