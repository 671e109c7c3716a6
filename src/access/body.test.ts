import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeUser, type TestUser } from '../../tests/support/accounts.ts'
import { startHub, type TestHub } from '../../tests/support/start-hub.ts'
import { HoldfastError } from '../domain/errors.ts'
import { readText } from './body.ts'
import { errorReply } from './error-reply.ts'
import { readRequest } from './http-request.ts'
import { send, text } from './reply.ts'

/** Sends bytes as they are, then ends its half if it is to; resolves with all that comes back until the other side ends. */
async function talk(port: number, bytes: string | Buffer, half: 'open' | 'ended' = 'open'): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.write(bytes)
  if (half === 'ended') socket.end()
  let heard = ''
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    heard += `<${error.code}>`
  })
  socket.on('end', () => socket.end())
  await once(socket, 'close')
  return heard
}

describe('readText', () => {
  let server: Server
  let port: number
  const faults: unknown[] = []

  beforeAll(async () => {
    server = createServer((message, response) => {
      const request = readRequest(message, response, () => false)
      readText(request, 1_000, 300).then(
        (body) => send(response, text(body), false),
        (error: unknown) => {
          faults.push(error)
          if (!(error instanceof HoldfastError)) throw error
          send(response, errorReply(error, 'api', request), false)
        },
      )
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  const post = (length: number, ...headers: string[]) =>
    ['POST / HTTP/1.1', 'host: x', `content-length: ${length}`, ...headers, '', ''].join('\r\n')

  it('tells a slow client that it was too slow, and ends the connection', async () => {
    const heard = await talk(port, `${post(100)}{"name":`)
    expect(heard).toMatch(/^HTTP\/1\.1 408 /)
    expect(heard).toContain('The request took too long to arrive.')
    expect(heard.toLowerCase()).toContain('connection: close')
    expect(await talk(port, `${post(100, 'content-encoding: gzip')}`)).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('takes a client that goes away for no fault of ours', async () => {
    faults.length = 0
    const socket = connect(port, '127.0.0.1')
    socket.write(`${post(100)}{"name":`)
    setTimeout(() => socket.destroy(), 50)
    await expect
      .poll(() => faults)
      .toMatchObject([{ code: 'length_mismatch', params: { received: 8, expected: '100' } }])
  })

  it('reads what is whole, however it comes, and refuses what unpacks to too much', async () => {
    const url = `http://127.0.0.1:${port}/`
    const ask = async (body: Uint8Array<ArrayBuffer>) => {
      const response = await fetch(url, { method: 'POST', body, headers: { 'content-encoding': 'gzip' } })
      return `${response.status} ${await response.text()}`
    }
    expect(await ask(new Uint8Array(gzipSync('{"a":1}')))).toBe('200 {"a":1}')
    expect(await ask(new Uint8Array(gzipSync(Buffer.alloc(100_000))))).toContain(
      '413 {"error":"The body is larger than',
    )
    expect(await ask(new Uint8Array(gzipSync('{"a":1}').subarray(0, 12)))).toContain(
      '400 {"error":"The body is damaged',
    )
  })
})

describe('a hub that is sent what is no request', () => {
  let hub: TestHub
  let ada: TestUser
  let port: number

  beforeAll(async () => {
    hub = await startHub()
    ada = await makeUser(hub, 'ada', { tokenRole: 'write' })
    port = Number(new URL(hub.url).port)
  })
  afterAll(() => hub.stop())

  it('says what is wrong in the words of the catalogue', async () => {
    for (const [encoding, body] of [
      ['gzip', ''],
      ['gzip', 'noise'],
      ['br', '{}'],
    ] as const) {
      const response = await fetch(`${hub.url}/api/repos/create`, {
        method: 'POST',
        body,
        headers: {
          authorization: `Bearer ${ada.token}`,
          'content-encoding': encoding,
          'content-type': 'application/json',
        },
      })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ code: 'bad_request', error: expect.stringContaining('damaged') })
    }
  })

  it('answers where no request can be read at all', async () => {
    const noise = await talk(port, 'SSH-2.0-OpenSSH_9.6\r\n\r\n')
    expect(noise).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(noise).toContain('{"error":"This is not a request of HTTP/1.1.","code":"bad_request"}')
    const large = await talk(port, `GET / HTTP/1.1\r\nhost: x\r\nx-large: ${'a'.repeat(40_000)}\r\n\r\n`)
    expect(large).toMatch(/^HTTP\/1\.1 431 /)
    expect(large).toContain('"code":"headers_too_large"')
  })

  it('answers a client that ends in the middle of its body', async () => {
    const head = (path: string, type: string) =>
      `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ada.token}\r\ncontent-type: ${type}\r\ncontent-length: 100\r\n\r\n`
    for (const bytes of [
      `${head('/api/repos/create', 'application/json')}{"na`,
      `${head('/api/models/ada/none/commit/main', 'application/x-ndjson')}{"key"`,
    ]) {
      const heard = await talk(port, bytes, 'ended')
      expect(heard).toMatch(/^HTTP\/1\.1 4\d\d /)
      expect(heard).toMatch(/The request ended before it was whole\. Nothing was stored\.|Repository not found/)
    }
    expect((await fetch(`${hub.url}/health`)).status).toBe(200)
  })
})
