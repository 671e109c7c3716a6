/**
 * An S3 in memory that is as strict as Amazon's where lenient ones are not: every request must be signed, bodies must be whole and match the
 * hash that was signed, parts have a least size, and nothing is visible before it is complete. It fails on demand.
 */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { S3Settings } from '../../src/platform/blobs/s3-access.ts'
import { signatureFault } from './s3-signature.ts'

interface Stored {
  readonly bytes: Buffer
  readonly at: number
}

interface Upload {
  readonly key: string
  readonly at: number
  readonly parts: Map<number, Stored>
}

export interface SeenRequest {
  readonly method: string
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly bodySize: number
}

/** Instead of an answer: an error, silence, a cut before anything is done, after it was done, or after so many bytes of the answer. */
export type Failure = { status: number; code: string } | 'silence' | 'cut' | 'lost' | { cutAfter: number }

const leastPart = 5 << 20

export class StrictS3 {
  readonly objects = new Map<string, Stored>()
  readonly uploads = new Map<string, Upload>()
  readonly seen: SeenRequest[] = []
  /** Asked for each request that is signed well. */
  fail: (request: SeenRequest) => Failure | null = () => null
  /** Added to the times at which things are stored. */
  clockShift = 0
  readonly settings: S3Settings
  readonly #server

  private constructor(server: ReturnType<typeof createServer>, port: number) {
    this.#server = server
    this.settings = {
      endpoint: `http://127.0.0.1:${port}`,
      bucket: 'models',
      region: 'eu-test-1',
      prefix: 'hub/',
      accessKeyId: 'AKIDTESTONLY',
      secretAccessKey: randomBytes(20).toString('hex'),
      isPathStyle: true,
      publicEndpoint: `http://127.0.0.1:${port}`,
    }
  }

  static async start(): Promise<StrictS3> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const s3 = new StrictS3(server, (server.address() as AddressInfo).port)
    server.on('request', (request, response) => {
      s3.#answer(request, response).catch(() => response.destroy())
    })
    return s3
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Cuts every connection and takes no new one, until `wake`. */
  async sleep(): Promise<void> {
    await this.stop()
  }

  async wake(): Promise<void> {
    this.#server.listen(Number(new URL(this.settings.endpoint ?? '').port), '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /** How many things it holds: objects, and parts that were not completed. */
  count(): number {
    return this.objects.size + [...this.uploads.values()].reduce((sum, upload) => sum + upload.parts.size, 0)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const url = new URL(request.url ?? '/', 'http://host')
    const [, bucket = '', ...rest] = decodeURIComponent(url.pathname).split('/')
    const key = rest.join('/')
    const fault = signatureFault(request, this.settings)
    if (fault !== null) return refuse(response, 403, fault)
    if (bucket !== this.settings.bucket) return refuse(response, 404, 'NoSuchBucket')
    const body = await bodyOf(request)
    if (body === null) return response
    const method = request.method ?? ''
    const seen = { method, key, query: url.searchParams, headers: request.headers, bodySize: body.length }
    this.seen.push(seen)
    const failure = this.fail(seen)
    if (failure === 'silence') return response
    if (failure === 'cut') return response.destroy()
    if (failure === 'lost') response.end = () => response.destroy()
    if (failure !== null && typeof failure === 'object' && 'status' in failure)
      return refuse(response, failure.status, failure.code)
    const signed = request.headers['x-amz-content-sha256']
    if (typeof signed === 'string' && /^[0-9a-f]{64}$/.test(signed) && signed !== sha256(body)) {
      return refuse(response, 400, 'XAmzContentSHA256Mismatch')
    }
    if (key === '') return this.#listing(url.searchParams, response)
    const id = url.searchParams.get('uploadId')
    if (url.searchParams.has('uploads') || id !== null)
      return this.#multipart(method, key, id, url.searchParams, body, response)
    if (method === 'PUT') {
      this.objects.set(key, { bytes: body, at: Date.now() + this.clockShift })
      response.setHeader('etag', etag(body))
      return response.end()
    }
    if (method === 'DELETE') {
      this.objects.delete(key)
      response.statusCode = 204
      return response.end()
    }
    const stored = this.objects.get(key)
    if (stored === undefined) return refuse(response, 404, 'NoSuchKey', method === 'HEAD')
    return send(
      request,
      response,
      stored,
      url.searchParams,
      typeof failure === 'object' && failure !== null && 'cutAfter' in failure ? failure.cutAfter : null,
    )
  }

  #multipart(
    method: string,
    key: string,
    id: string | null,
    query: URLSearchParams,
    body: Buffer,
    response: ServerResponse,
  ): ServerResponse {
    const now = Date.now() + this.clockShift
    if (method === 'POST' && id === null) {
      const fresh = randomBytes(12).toString('hex')
      this.uploads.set(fresh, { key, at: now, parts: new Map() })
      return xml(
        response,
        `<InitiateMultipartUploadResult><UploadId>${fresh}</UploadId></InitiateMultipartUploadResult>`,
      )
    }
    const upload = this.uploads.get(id ?? '')
    if (id === null || upload === undefined || upload.key !== key) return refuse(response, 404, 'NoSuchUpload')
    if (method === 'PUT') {
      upload.parts.set(Number(query.get('partNumber')), { bytes: body, at: now })
      response.setHeader('etag', etag(body))
      return response.end()
    }
    if (method === 'DELETE') {
      this.uploads.delete(id)
      response.statusCode = 204
      return response.end()
    }
    if (method === 'GET') {
      const parts = [...upload.parts].map(
        ([number, { bytes, at }]) =>
          `<Part><PartNumber>${number}</PartNumber><Size>${bytes.length}</Size><LastModified>${new Date(at).toISOString()}</LastModified></Part>`,
      )
      return xml(response, `<ListPartsResult><IsTruncated>false</IsTruncated>${parts.join('')}</ListPartsResult>`)
    }
    const asked = [...body.toString().matchAll(/<Part>.*?<\/Part>/gs)].map(([part]) => ({
      number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
      etag: /<ETag>(.*?)</.exec(part)?.[1]?.replaceAll('&quot;', '"'),
    }))
    const parts = asked.map(({ number }) => upload.parts.get(number)?.bytes)
    if (parts.some((bytes, index) => bytes === undefined || etag(bytes) !== asked[index]?.etag))
      return refuse(response, 400, 'InvalidPart')
    if (parts.slice(0, -1).some((bytes) => (bytes?.length ?? 0) < leastPart))
      return refuse(response, 400, 'EntityTooSmall')
    this.objects.set(key, { bytes: Buffer.concat(parts.filter((bytes) => bytes !== undefined)), at: now })
    this.uploads.delete(id)
    return xml(response, '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>')
  }

  #listing(query: URLSearchParams, response: ServerResponse): ServerResponse {
    const prefix = query.get('prefix') ?? ''
    if (query.has('uploads')) {
      const open = [...this.uploads].filter(([, upload]) => upload.key.startsWith(prefix))
      const text = open.map(
        ([id, { key, at }]) =>
          `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${new Date(at).toISOString()}</Initiated></Upload>`,
      )
      return xml(
        response,
        `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${text.join('')}</ListMultipartUploadsResult>`,
      )
    }
    const most = Math.min(Number(query.get('max-keys') ?? 1000), 1000)
    const after = query.get('start-after') ?? ''
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort()
    const contents = keys.slice(0, most).map((key) => {
      const { bytes, at } = this.objects.get(key) as Stored
      return `<Contents><Key>${key}</Key><Size>${bytes.length}</Size><LastModified>${new Date(at).toISOString()}</LastModified></Contents>`
    })
    return xml(
      response,
      `<ListBucketResult><IsTruncated>${keys.length > most}</IsTruncated><KeyCount>${contents.length}</KeyCount>${contents.join('')}</ListBucketResult>`,
    )
  }
}

/** Null where the sender went away. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer)
  } catch {
    return null
  }
  return Buffer.concat(chunks)
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes, at }: Stored,
  query: URLSearchParams,
  cutAfter: number | null,
): ServerResponse {
  const suffix = /^bytes=-(\d+)$/.exec(request.headers.range ?? '')
  const asked = suffix === null ? request.headers.range : `bytes=${Math.max(0, bytes.length - Number(suffix[1]))}-`
  const match = /^bytes=(\d+)-(\d*)$/.exec(asked ?? '')
  const start = match === null ? 0 : Number(match[1])
  const end = match === null || match[2] === '' ? bytes.length - 1 : Math.min(Number(match[2]), bytes.length - 1)
  if (match !== null && start > end) return refuse(response, 416, 'InvalidRange')
  response.statusCode = match === null ? 200 : 206
  if (match !== null) response.setHeader('content-range', `bytes ${start}-${end}/${bytes.length}`)
  response.setHeader('etag', etag(bytes))
  response.setHeader('last-modified', new Date(at).toUTCString())
  response.setHeader('content-length', end - start + 1)
  for (const name of ['content-type', 'content-disposition', 'cache-control']) {
    const value = query.get(`response-${name}`)
    if (value !== null) response.setHeader(name, value)
  }
  if (request.method === 'HEAD') return response.end()
  const part = bytes.subarray(start, end + 1)
  if (cutAfter === null || cutAfter >= part.length) return response.end(part)
  response.write(part.subarray(0, cutAfter), () => response.destroy())
  return response
}

function refuse(response: ServerResponse, status: number, code: string, isHead = false): ServerResponse {
  response.statusCode = status
  response.setHeader('content-type', 'application/xml')
  return response.end(
    isHead ? '' : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
  )
}

function xml(response: ServerResponse, text: string): ServerResponse {
  response.setHeader('content-type', 'application/xml')
  return response.end(`<?xml version="1.0" encoding="UTF-8"?>\n${text}`)
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function etag(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}
