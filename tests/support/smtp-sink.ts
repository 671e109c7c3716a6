/** A mail server that takes everything and keeps it, for tests of what is mailed. Plain SMTP, as RFC 5321 asks of the least server. */
import { createServer } from 'node:net'

export interface SmtpSink {
  /** `smtp://127.0.0.1:PORT`. */
  readonly url: string
  /** Whole messages, decoded from quoted-printable, in the order of their coming; and their headers as they were sent. */
  readonly mails: readonly { readonly to: string; readonly text: string; readonly headers: string }[]
  /** Waits until `count` mails have come. */
  received(count: number): Promise<void>
  stop(): Promise<void>
}

export async function startSmtpSink(): Promise<SmtpSink> {
  const mails: { to: string; text: string; headers: string }[] = []
  const server = createServer((socket) => {
    let buffer = ''
    let to = ''
    let isData = false
    socket.write('220 sink\r\n')
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      buffer += chunk.toString('utf8')
      for (;;) {
        const end = buffer.indexOf(isData ? '\r\n.\r\n' : '\r\n')
        if (end === -1) return
        const line = buffer.slice(0, end)
        buffer = buffer.slice(end + (isData ? 5 : 2))
        if (isData) {
          mails.push({ to, text: decode(line), headers: line.slice(0, line.indexOf('\r\n\r\n') + 2) })
          isData = false
          socket.write('250 kept\r\n')
        } else if (/^rcpt to:/i.test(line)) {
          to = /<([^>]*)>/.exec(line)?.[1] ?? ''
          socket.write('250 ok\r\n')
        } else if (/^data/i.test(line)) {
          isData = true
          socket.write('354 go on\r\n')
        } else if (/^quit/i.test(line)) socket.end('221 bye\r\n')
        else socket.write('250 ok\r\n')
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    received: async (count) => {
      for (let i = 0; mails.length < count; i++) {
        if (i > 400) throw new Error(`Only ${mails.length} of ${count} mails came.`)
        await new Promise((resolve) => setTimeout(resolve, 25))
      }
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function decode(text: string): string {
  return text
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
