/** Judges bundles off the event loop. One message in; out come the verdict and then the files, some at a time. */
import { parentPort } from 'node:worker_threads'
import type { BundleQuestion, BundleReply } from './bundle-thread.ts'
import { judgeBundle } from './judge-bundle.ts'

/** So many are taken apart in the other thread at a time. */
const batch = 500

parentPort?.on('message', ({ id, bytes, trusted, at }: BundleQuestion) => {
  const reply = (message: BundleReply): void => parentPort?.postMessage(message)
  const judged = judgeBundle(bytes, trusted, at)
  if ('reason' in judged) {
    reply({ id, judged })
    return
  }
  const { files, ...rest } = judged.manifest
  for (let from = 0; from < files.length; from += batch) reply({ id, files: files.slice(from, from + batch) })
  reply({ id, judged: { ...judged, manifest: { ...rest, files: [] } } })
})
