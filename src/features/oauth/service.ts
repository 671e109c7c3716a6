/** What other features may use: to add a grant type to the token endpoint, and the hourly cleaning. */
export { ensureOwnApplication } from './applications.ts'
export { cleanOauth } from './clean.ts'
export { type Grant, grant, type TokenAnswer, type TokenRequest } from './token-endpoint.ts'
