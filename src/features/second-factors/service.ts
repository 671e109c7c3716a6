/** What other features, and the command line, may ask of second factors. */
export { resetSecondFactors } from './factors.ts'
export { passkeysWork } from './passkeys.ts'
export { insertSpentChallenge } from './queries.ts'
export { beginSecondStep, cleanSecondFactors, pendingCookie } from './sign-in.ts'
