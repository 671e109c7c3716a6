/** What other features may ask about signatures of commits. */
export { type BroughtCommits, broughtCommits, explainSigning } from './explain.ts'
export { type SigningLevel, signingLevels } from './policy.ts'
export { presentVerification } from './present.ts'
export { type AffectedPushers, affectedPushers, daysLookedBack, type Pusher } from './pushers.ts'
export { type Verification, verificationsOf } from './verifications.ts'
export { type SignatureView, signatureView } from './words.ts'
