/** What other features may use of files. */
export { authorsOf } from './authors.ts'
export {
  entryNotFound,
  type FoundRevision,
  findEntry,
  getFile,
  getRevision,
  listEntries,
  listFolder,
  listLastCommits,
  type Reading,
  type RepoEntry,
} from './contents.ts'
export { openFile } from './open-file.ts'
export { findPointers } from './pointers.ts'
export { createBranch, createTag, deleteBranch, deleteTag, type RefGate } from './ref-changes.ts'
