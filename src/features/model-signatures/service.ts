/** What other features may ask about model signatures. */
export { type ModelSignature, modelSignatureOf } from './state.ts'
