/**
 * What looks like a secret and is none: examples in documents, values to be filled in, passwords of test set-ups. A finding that is wrong
 * teaches people to pass over the next one.
 */
const filledIn = /\*{3}|\.{3}|…|[<>]|\$[{(A-Z]|\{\{|%\(|%[A-Z_]+%/
/** All in one case, so that hardly any random value has one of them by chance. */
const wordsInValues =
  /example|EXAMPLE|placeholder|PLACEHOLDER|change_?me|CHANGE_?ME|your|YOUR|redacted|REDACTED|x{5}|X{5}/
const wordsInAddresses = /example|placeholder|your|change[-_]?me|replace|dummy|redacted|fake|sample|insert|xxx/i

const commonPasswords: readonly string[] = [
  'password passwd passw0rd pass pwd secret supersecret mysecret mysecretpassword mypassword mypass dbpass dbpassword',
  'user username root admin administrator guest test testing tester foo bar baz foobar hunter2 letmein qwerty token key apikey api_key',
  'postgres postgresql mysql mariadb mongo mongodb redis rabbitmq minio minioadmin docker local dev development demo',
  '1234 12345 123456 1234567 12345678 123456789 1234567890 abc123 abcd1234 pass123 pass1234 password1 password123 test123 test1234 admin123',
]
  .join(' ')
  .split(' ')

const homelyHost =
  /^(?:localhost|127\.[\d.]+|0\.0\.0\.0|\[?::1\]?|.*\.(?:test|invalid|localhost|local|example)|(?:.*\.)?example\.(?:com|org|net))$/i

/** Of a value without anything around it. */
export function isPlaceholder(value: string): boolean {
  if (filledIn.test(value) || wordsInValues.test(value)) return true
  // What follows the prefix of its kind: `hf_`, `sk-ant-api03-`.
  const body = value.slice(value.search(/[^-_.][^-_.]{7,}$/))
  return new Set(body).size < Math.min(8, body.length / 2) || hasRun(body)
}

/** Of an address: `user:password@host`, with whatever stands around that. */
export function isHomelyAddress(address: string): boolean {
  const [, user = '', password = '', host = ''] = /:\/\/([^:/\s]*):([^@/\s]*)@([^/\s:?#]*)/.exec(address) ?? []
  const typed = `${user} ${password}`
  if (filledIn.test(typed) || wordsInAddresses.test(typed) || homelyHost.test(host)) return true
  const plain = password.toLowerCase()
  return commonPasswords.includes(plain) || plain === user.toLowerCase() || new Set(plain).size < 4
}

/** Eight characters in the order of the alphabet or of numbers: nobody's random generator writes that. */
function hasRun(text: string): boolean {
  let run = 1
  for (let i = 1; i < text.length; i++) {
    run = text.charCodeAt(i) === text.charCodeAt(i - 1) + 1 ? run + 1 : 1
    if (run >= 8) return true
  }
  return false
}
