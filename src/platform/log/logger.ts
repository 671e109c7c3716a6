/**
 * The log: one JSON object per line on standard error. Nothing secret enters: what looks like a token, a cookie, a password or a signed
 * address is blotted out here, whatever the caller passed.
 */
import { type Logger as Pino, pino, stdSerializers } from 'pino'

export type Logger = Pino

export function makeLogger(options: { level: string; destination?: { write(line: string): void } }): Logger {
  return pino(
    {
      level: options.level,
      base: undefined,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.err, error: stdSerializers.err },
      hooks: { streamWrite: blot },
    },
    options.destination ?? process.stderr,
  )
}

const secrets: readonly [RegExp, string][] = [
  [/(hf|api_org)_[0-9A-Za-z]{20,}/g, '$1_[hidden]'],
  [/((?:Bearer|Basic)\s+)[\w.~+/=-]{8,}/gi, '$1[hidden]'],
  [/([?&](?:token|(?:x-amz-)?signature|x-amz-credential|sig|secret|password|key)=)[^&"\s\\]+/gi, '$1[hidden]'],
  [/("(?:password|token|secret|cookie|authorization|set-cookie)"\s*:\s*")(?:[^"\\]|\\.)*"/gi, '$1[hidden]"'],
  // One-time links carry their secret in the path.
  [/(\/(?:join|password-reset|verify-email)\/)[\w-]{20,}/g, '$1[hidden]'],
  [/(:\/\/[^/:@\s"]*:)[^@/\s"]+@/g, '$1[hidden]@'],
]

/** Replaces everything in a line that could be used to sign in. */
export function blot(line: string): string {
  let result = line
  for (const [pattern, replacement] of secrets) result = result.replace(pattern, replacement)
  return result
}
