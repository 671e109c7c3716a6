/**
 * Scanning of files. So far one scanner: the pickle reader, which says what the pickles in a file, wherever they lie in it, import when they are
 * loaded, and never loads them.
 */
export { type ByteSource, memorySource, openFileSource } from './byte-source.ts'
export type { ScanLimits } from './containers/scan-context.ts'
export type { StoredFile } from './content.ts'
export { type FileStatus, statusesOf } from './file-status.ts'
export { glanceAtQueue, glanceAtScanning, mostCounted, type ScannerHealth, type ScanningHealth } from './health.ts'
export { releasePath } from './held-paths.ts'
export type { Level } from './levels.ts'
export type { UnsafeContent } from './list-held.ts'
export { withListing } from './list-repo.ts'
export type { JudgedImport } from './pickle/imports.ts'
export type { Finding } from './pickle/structure.ts'
export type { Verdict } from './pickle/verdict.ts'
export { presentStatusesOf } from './present.ts'
export { type FileWithIssue, findIssues, type RepoStatus, repoStatus } from './repo-status.ts'
export { type PickleScan, type ScanState, scanPickles } from './scan-pickles.ts'
export { type ScanQueue, startScanning } from './scan-queue.ts'
export { watchForSecrets } from './secrets/push-protection.ts'
export { type AffectedFiles, affectedFiles, type HoldEffect, mostFiles } from './try-policy.ts'
export { noteVisit } from './visit.ts'
