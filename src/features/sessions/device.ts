/** What a browser calls itself, in words a person knows: "Firefox on Linux". Only for showing; nothing is decided by it. */

const programs: readonly [RegExp, string][] = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bChrome\/|\bCriOS\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
  [/^curl\//, 'curl'],
  [/python-requests|httpx|aiohttp/i, 'a Python program'],
  [/\bnode\b|undici/i, 'a Node program'],
]

const systems: readonly [RegExp, string][] = [
  [/\bAndroid\b/, 'Android'],
  [/\biPhone\b|\biPad\b/, 'iOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
]

export function deviceWords(userAgent: string | null): string {
  if (userAgent === null || userAgent === '') return 'unknown program'
  const program = programs.find(([pattern]) => pattern.test(userAgent))?.[1] ?? 'unknown program'
  const system = systems.find(([pattern]) => pattern.test(userAgent))?.[1]
  return system === undefined ? program : `${program} on ${system}`
}
