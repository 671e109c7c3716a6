/** The JSON of files, refs and commits, as the Hub's clients read it (hub-api.md, sections 4 and 8). */
import { isoTime } from '../../domain/iso-time.ts'
import type { Commit } from '../../platform/git/commit.ts'
import type { Ref } from '../../platform/git/refs.ts'
import type { RepoEntry, RepoRefs } from './contents.ts'

export function presentEntry(
  entry: RepoEntry,
  lastCommit: Commit | null,
  xetHash: string | null,
  scan: object | null,
): object {
  return {
    type: entry.type === 'folder' ? 'directory' : 'file',
    oid: entry.oid,
    size: entry.size,
    path: entry.path,
    ...(entry.lfs === null
      ? {}
      : { lfs: { oid: entry.lfs.sha256, size: entry.lfs.size, pointerSize: entry.lfs.pointerSize } }),
    ...(xetHash === null ? {} : { xetHash }),
    ...(lastCommit === null
      ? {}
      : { lastCommit: { id: lastCommit.oid, title: lastCommit.title, date: isoTime(lastCommit.committer.at) } }),
    ...(scan === null || entry.type === 'folder' ? {} : { securityFileStatus: scan }),
  }
}

export function presentRefs(refs: RepoRefs, withPullRequests: boolean): object {
  return {
    branches: refs.branches.map((ref) => presentRef(ref, 'refs/heads/')),
    converts: refs.converts.map((ref) => presentRef(ref, 'refs/convert/')),
    tags: refs.tags.map((ref) => presentRef(ref, 'refs/tags/')),
    ...(withPullRequests ? { pullRequests: refs.pullRequests.map((ref) => presentRef(ref, 'refs/pr/')) } : {}),
  }
}

function presentRef(ref: Ref, prefix: string): object {
  return { name: ref.ref.slice(prefix.length), ref: ref.ref, targetCommit: ref.target }
}

/** `author` is the account that the commit's address belongs to, or what the commit itself says. */
export function presentCommit(commit: Commit, author: string, isFormatted: boolean): object {
  return {
    id: commit.oid,
    title: commit.title,
    message: commit.body,
    authors: [{ user: author }],
    date: isoTime(commit.committer.at),
    ...(isFormatted ? { formatted: { title: escapeHtml(commit.title), message: escapeHtml(commit.body) } } : {}),
  }
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
