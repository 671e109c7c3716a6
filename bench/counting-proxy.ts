/** Stands between a client and a server on the loopback and counts what the client sends. Knows nothing of HTTP. */
import { connect, createServer, type Socket } from 'node:net'
import { pipeline } from 'node:stream'

export interface CountingProxy {
  readonly port: number
  /** Bytes that clients have sent since the last call. */
  sent(): number
  /** Where it passes connections on to. */
  aim(port: number): void
  stop(): Promise<void>
}

export async function startCountingProxy(): Promise<CountingProxy> {
  let target = 0
  let sent = 0
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port: target, noDelay: true })
    client.setNoDelay(true)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.once('close', () => open.delete(socket))
    }
    client.on('data', (chunk) => {
      sent += chunk.length
    })
    // A client or a server that hangs up ends the other side too; nothing else is to be done.
    pipeline(client, upstream, () => upstream.destroy())
    pipeline(upstream, client, () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.')
  return {
    port: address.port,
    sent: () => {
      const counted = sent
      sent = 0
      return counted
    },
    aim: (port) => {
      target = port
    },
    stop: async () => {
      for (const socket of open) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
