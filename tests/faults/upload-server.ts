/** The half of the upload rounds that dies: takes large files in exactly as the LFS routes do, without the door in front of them. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readRequest } from '../../src/access/http-request.ts'
import { openUpload } from '../../src/features/lfs/multipart.ts'
import { completeUpload, receiveObject, receivePart } from '../../src/features/lfs/transfer.ts'
import { allowPush, openIngestHub } from '../support/ingest.ts'

const [folder = ''] = process.argv.slice(2)
const hub = await openIngestHub(folder, { HOLDFAST_MULTIPART_PART: '256KiB' })
const allowed = allowPush()
const reauthorize = async () => allowed

async function answer(message: IncomingMessage, response: ServerResponse): Promise<string> {
  const request = readRequest(message, response, () => false)
  const [, what = '', sha256 = '', size = '', upload = '', part = ''] = request.path.split('/')
  const blob = { sha256, size: Number(size) }
  if (what === 'put') await receiveObject(hub, request, blob, reauthorize)
  if (what === 'begin') return JSON.stringify(await openUpload(hub, allowed, blob))
  if (what === 'part') await receivePart(hub, allowed, request, upload, Number(part))
  if (what === 'complete') {
    await completeUpload(hub, allowed, upload, { oid: sha256, parts: Number(part) }, reauthorize)
  }
  return 'stored'
}

const server = createServer((message, response) => {
  answer(message, response).then(
    (text) => response.end(text),
    (error: unknown) => response.writeHead(500).end(String(error)),
  )
})
server.listen(0, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}`))
