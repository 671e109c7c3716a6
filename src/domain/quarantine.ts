/** Bytes by content, as scans and quarantine name them, and how strict a quarantine is. */

/** LFS and Xet are two ways to store the same bytes: both go by SHA-256. What lies in git itself goes by its object id. */
export function contentOf(file: { readonly oid: string; readonly lfs: { readonly sha256: string } | null }): string {
  return file.lfs === null ? gitContent(file.oid) : storedContent(file.lfs.sha256)
}

export function gitContent(oid: string): string {
  return `git:${oid}`
}

export function storedContent(sha256: string): string {
  return `sha256:${sha256}`
}

/** `git:<object id>` or `sha256:<hash>`. */
export const contentPattern = /^(git:[0-9a-f]{40}|sha256:[0-9a-f]{64})$/

/** The mildest first. `warn`: what is found is said, and nothing is held. */
export const scanPolicies = ['warn', 'block_infected', 'block_until_scanned'] as const
export type ScanPolicy = (typeof scanPolicies)[number]

export function stricterPolicy(one: ScanPolicy, other: ScanPolicy): ScanPolicy {
  return scanPolicies.indexOf(one) >= scanPolicies.indexOf(other) ? one : other
}
