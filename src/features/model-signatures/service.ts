/** What other features may ask about model signatures. */
export { checkNow } from './check.ts'
export { type DigestedFile, digestsOf, knownDigests, plainSha256 } from './digests.ts'
export { presentBrief } from './present.ts'
export { type ModelSignature, modelSignatureOf } from './state.ts'
export { type AffectedModels, affectedModels } from './try-policy.ts'
