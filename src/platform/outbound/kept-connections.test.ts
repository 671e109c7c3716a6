/** Connections that are kept between calls: each test opens with the attack that it stops. Raw servers on the loopback, real sockets. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { makeCertificate } from '../../../tests/support/certificates.ts'
import { parseOutboundAllow } from './addresses.ts'
import { type Outbound, type OutboundCall, openOutbound, type Resolver } from './outbound.ts'

interface Raw {
  readonly port: number
  readonly connections: () => number
  readonly requests: () => number
}

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const end of ends.splice(0)) await end()
})

/** Calls `answer` with the number of each request: over all connections, and on its own one. */
async function serve(answer: (socket: Socket, at: { nth: number; onThis: number }) => void): Promise<Raw> {
  let [connections, requests] = [0, 0]
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    connections++
    let [held, onThis] = ['', 0]
    socket.on('error', () => undefined)
    socket.on('data', (part) => {
      held += part.toString('latin1')
      const head = held.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(held)?.[1] ?? 0)
      if (head < 0 || held.length < head + 4 + length) return
      held = held.slice(head + 4 + length)
      requests++
      onThis++
      answer(socket, { nth: requests, onThis })
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  ends.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((closed) => server.close(closed))
  })
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    requests: () => requests,
  }
}

const whole = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const chunked = (body: string) =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`

function opened(resolver?: Resolver): Outbound {
  const outbound = openOutbound(parseOutboundAllow(['127.0.0.0/8', 'a.example', 'b.example']), resolver)
  ends.push(async () => outbound.close())
  return outbound
}

const call = (url: string, more: Partial<OutboundCall> = {}): OutboundCall => ({
  ...{ url, scope: 'one', method: 'POST', headers: {}, body: Buffer.from('{}') },
  ...{ signal: new AbortController().signal, connectLimitMs: 2_000, idleLimitMs: 1_000 },
  ...more,
})

async function told(outbound: Outbound, url: string, more: Partial<OutboundCall> = {}): Promise<string> {
  const { body } = await outbound.open(call(url, more))
  const parts: Buffer[] = []
  for await (const part of body) parts.push(part as Buffer)
  // The connection is given back behind the end.
  await new Promise((resolve) => setImmediate(resolve))
  return Buffer.concat(parts).toString()
}

const resolvesTo =
  (...lists: string[][]): Resolver =>
  (_host, then) =>
    then(
      null,
      ((lists.length > 1 ? lists.shift() : lists[0]) ?? []).map((address) => ({ address, family: 4 })),
    )

describe('kept connections', () => {
  it('calls of one scope follow each other on one connection; those of other scopes and other names have their own', async () => {
    const server = await serve((socket, { nth }) => void socket.write(nth % 2 === 0 ? whole('even') : chunked('odd')))
    const outbound = opened(resolvesTo(['127.0.0.1']))
    const url = `http://127.0.0.1:${server.port}/`
    for (const expected of ['odd', 'even', 'odd', 'even']) expect(await told(outbound, url)).toBe(expected)
    expect(server.connections()).toBe(1)
    await told(outbound, url, { scope: 'two' })
    await told(outbound, `http://a.example:${server.port}/`)
    await told(outbound, `http://b.example:${server.port}/`)
    await told(outbound, `http://a.example:${server.port}/`)
    expect([server.connections(), server.requests()]).toEqual([4, 8])
    await Promise.all([1, 2, 3].map(() => told(outbound, url)))
    expect(server.requests()).toBe(11)
  })

  // The story: a caller makes the server of a model say more than one answer, and the rest is told to whoever calls next.
  it.each([
    ['a second answer in one piece with the first', (first: string) => [first + whole('stolen')]],
    [
      'the beginning of one',
      (first: string) => [`${first}HTTP/1.1 200 OK\r\nX-A: `, `b\r\nContent-Length: 6\r\n\r\nstolen`],
    ],
    ['a second answer a moment later', (first: string) => [first, whole('stolen')]],
    ['the beginning of one, and nothing more', (first: string) => [`${first}HTTP/1.1 200 OK\r\nX-A: `]],
    ['a piece of nonsense behind it', (first: string) => [`${first}x`]],
    ['trailers', () => [`${chunked('first').slice(0, -2)}X-A: b\r\n\r\n`, whole('stolen')]],
  ])('%s is told to nobody, and the connection is used no more', async (_name, pieces) => {
    for (const shape of [whole, chunked]) {
      const server = await serve(async (socket, { nth, onThis }) => {
        if (nth > 1) return void socket.write(whole(onThis > 1 ? 'stolen' : 'own'))
        for (const piece of pieces(shape('first'))) {
          socket.write(piece)
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      })
      const outbound = opened()
      const url = `http://127.0.0.1:${server.port}/`
      await told(outbound, url).catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, 60))
      expect(await told(outbound, url)).toBe('own')
      expect(server.connections()).toBe(2)
    }
  })

  // The story: the same, and the next caller comes before the rest of it was read.
  it('what lies unread on a connection when the next call comes is no answer to it', async () => {
    const rest: (() => void)[] = []
    const server = await serve((socket, { nth }) => {
      socket.write(whole(nth === 1 ? 'first' : 'own'))
      if (nth === 1) rest.push(() => socket.write(whole('stolen')))
    })
    const outbound = opened()
    const url = `http://127.0.0.1:${server.port}/`
    expect(await told(outbound, url)).toBe('first')
    // Both ends are in this process: the bytes are written, and not read before the next turn.
    for (const send of rest) send()
    expect(await told(outbound, url)).toBe('own')
    expect(server.connections()).toBe(2)
  })

  it('a server that closed a kept connection is asked once more over a new one, and only where it said nothing', async () => {
    const closing = await serve((socket, { onThis }) => {
      if (onThis > 1) socket.resetAndDestroy()
      else socket.write(whole('yes'))
    })
    const outbound = opened()
    for (const _ of [1, 2, 3]) expect(await told(outbound, `http://127.0.0.1:${closing.port}/`)).toBe('yes')
    expect([closing.connections(), closing.requests()]).toEqual([3, 4])
    // It began to answer, so it works on it: nobody asks for that twice.
    const begun = await serve((socket, { onThis }) => {
      if (onThis === 1) return void socket.write(whole('yes'))
      socket.write('HTTP/1.1 200 OK\r\n', () => setTimeout(() => socket.resetAndDestroy(), 20))
    })
    await told(outbound, `http://127.0.0.1:${begun.port}/`)
    await expect(told(outbound, `http://127.0.0.1:${begun.port}/`)).rejects.toThrow('could not be reached')
    expect(begun.requests()).toBe(2)
    // A new connection that is closed is a server that fails.
    const failing = await serve((socket) => socket.resetAndDestroy())
    await expect(told(outbound, `http://127.0.0.1:${failing.port}/`)).rejects.toThrow('could not be reached')
    expect(failing.requests()).toBe(1)
  })

  // The story: a name leads to a server that is let through, and later to the metadata service of the cloud.
  it('a name that leads elsewhere later is judged again where the next connection is made, which is soon', async () => {
    const server = await serve((socket) => void socket.write(whole('yes')))
    const outbound = opened(resolvesTo(['127.0.0.1'], ['169.254.169.254']))
    const url = `http://a.example:${server.port}/`
    expect(await told(outbound, url)).toBe('yes')
    // It leads where it led when it was judged.
    expect(await told(outbound, url)).toBe('yes')
    expect(server.connections()).toBe(1)
    const now = performance.now()
    vi.spyOn(performance, 'now').mockImplementation(() => now + 121_000)
    await expect(told(outbound, url)).rejects.toThrow('not on the public internet')
    expect(server.requests()).toBe(2)
  })

  it('a connection whose answer was left, or was cut, is used no more; a silent one is late again', async () => {
    const server = await serve((socket, { nth }) => {
      if (nth === 1 || nth === 4) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
      else if (nth !== 3) socket.write(whole('yes'))
    })
    const outbound = opened()
    const url = `http://127.0.0.1:${server.port}/`
    const leaving = new AbortController()
    const left = await outbound.open(call(url, { signal: leaving.signal }))
    left.body.on('error', () => undefined)
    leaving.abort()
    expect(await told(outbound, url)).toBe('yes')
    expect(server.connections()).toBe(2)
    await expect(told(outbound, url, { idleLimitMs: 100 })).rejects.toThrow('did not answer within')
    await expect(told(outbound, url, { idleLimitMs: 100 })).rejects.toThrow()
    expect(await told(outbound, url)).toBe('yes')
    expect(server.connections()).toBe(4)
  })

  it('says of itself how long it keeps one: shorter than that it is kept, and it is not kept for nothing', async () => {
    const brief = await serve(
      (socket) => void socket.write(`HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok`),
    )
    const closes = await serve(
      (socket) => void socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok`),
    )
    const outbound = opened()
    for (const { port, connections } of [brief, closes]) {
      for (const _ of [1, 2]) expect(await told(outbound, `http://127.0.0.1:${port}/`)).toBe('ok')
      expect(connections()).toBe(2)
    }
  })

  it('TLS is kept as well, and checked for each connection', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-kept-'))
    const { key, cert } = await makeCertificate(folder, 'DNS:a.example')
    const before = getCACertificates('default')
    let connections = 0
    const server = createHttpsServer({ key, cert }, (_request, response) => response.end('yes'))
    server.on('secureConnection', () => connections++)
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    ends.push(async () => {
      setDefaultCACertificates(before)
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
      await rm(folder, { recursive: true })
    })
    const outbound = opened(resolvesTo(['127.0.0.1']))
    const port = (server.address() as AddressInfo).port
    await expect(told(outbound, `https://a.example:${port}/`)).rejects.toThrow('could not be reached')
    setDefaultCACertificates([...before, cert])
    for (const _ of [1, 2, 3]) expect(await told(outbound, `https://a.example:${port}/`)).toBe('yes')
    expect(connections).toBeLessThanOrEqual(2)
    await expect(told(outbound, `https://b.example:${port}/`)).rejects.toThrow('could not be reached')
  })
})
