/** What of the search for secrets runs in the hub itself: nobody else's code, and no work beyond one pass. */
import type { Buffer } from 'node:buffer'

/** Raised with every change of rules, ours or of secretlint, so that what was scanned is scanned again. */
export const secretRules = 2

/**
 * What every match of a rule has in it, so that most texts need no rule at all: one pass, linear in the text. A rule whose matches have none of
 * these never speaks about a push.
 */
const marks = [
  '(?:SECRET|secret|Secret)_?(?:ACCESS|access|Access)',
  '_authToken=',
  'npm_[A-Za-z0-9_]{36}',
  'xox[a-z]-',
  'xapp-',
  '[hH]ooks\\.slack\\.com\\/services',
  'T3BlbkFJ',
  'sk-ant-',
  'gsk_[a-zA-Z0-9]{52}',
  '(?:hf|api_org)_[0-9A-Za-z]{34}',
  'lin_api_',
  'ntn_[0-9]{11}',
  '-----BEGIN ?(?:\\w{2,7} )?PRIVATE KEY',
  'SG\\.\\w{1,128}\\.\\w',
  'shp(?:pa|ca|at|ss)_',
  '[sr]k_live_',
  'gh[pousr]_',
  'github_pat_',
  'glpat-',
  'glc_[A-Za-z0-9+\\/]{32}',
  'glsa_',
  'ops_ey',
  'hv[sbr]\\.[A-Za-z0-9_-]{90}',
  'vc[piark]_[A-Za-z0-9]{20}',
  'dapi[A-Fa-f0-9]{32}',
  'dckr_pat_',
  'figd_',
  'cf(?:k|ut|at)_[A-Za-z0-9]{40}',
  'tskey-',
  ':\\/\\/[^\\s\\/@:]{1,256}:[^\\s\\/@]{1,256}@',
]
const anyMark = new RegExp(marks.join('|'))

export function mayHoldSecrets(text: string): boolean {
  return anyMark.test(text)
}

/** Ends of lines. */
export function linesIn(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines++
  return lines
}
