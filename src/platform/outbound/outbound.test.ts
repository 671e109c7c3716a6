/** The guard of outbound requests: each test opens with the attack that it stops. Real servers on the loopback, real sockets. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { isPublicAddress, parseOutboundAllow } from './addresses.ts'
import { openOutbound, type Resolver } from './outbound.ts'

const servers: Server[] = []
async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return (server.address() as AddressInfo).port
}
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  }
})

const closed = openOutbound(parseOutboundAllow([]))
const answers =
  (...lists: string[][]): Resolver =>
  (_host, then) => {
    const addresses = lists.length > 1 ? lists.shift() : lists[0]
    then(
      null,
      (addresses ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }

describe('the guard of outbound requests', () => {
  it('an issuer that names the metadata service of the cloud, in any spelling, is not asked', async () => {
    for (const host of [
      '169.254.169.254',
      '2852039166',
      '0xa9fea9fe',
      '[::ffff:169.254.169.254]',
      '[::ffff:a9fe:a9fe]',
      '[fd00:ec2::254]',
      '[fe80::1]',
      '127.1',
      '0',
      '[::1]',
      '[::]',
      '10.0.0.8',
      '192.168.1.1',
      '172.31.255.255',
      '100.64.0.1',
      '[64:ff9b::7f00:1]',
      '[2002:7f00:1::]',
      '[2001:0:4136:e378::]',
    ]) {
      await expect(closed.send({ url: `https://${host}/latest/meta-data` }), host).rejects.toThrow(
        'HOLDFAST_OUTBOUND_ALLOW',
      )
    }
    for (const address of ['140.82.112.3', '2606:50c0:8000::153']) expect(isPublicAddress(address), address).toBe(true)
  })

  it('a name that leads to the loopback reaches nothing, though a server listens there', async () => {
    let asked = 0
    const port = await serve((_request, response) => {
      asked++
      response.end('secret')
    })
    await expect(closed.send({ url: `https://localhost:${port}/` })).rejects.toThrow('not on the public internet')
    const mixed = openOutbound(parseOutboundAllow([]), answers(['140.82.112.3', '127.0.0.1']))
    await expect(mixed.send({ url: `https://issuer.example:${port}/` })).rejects.toThrow('not on the public internet')
    expect(asked).toBe(0)
  })

  it('DNS rebinding: a name that answers with a public address once and with the loopback afterwards is judged where it connects', async () => {
    let asked = 0
    const port = await serve((_request, response) => {
      asked++
      response.end('secret')
    })
    const seen: string[] = []
    const lists = [['127.0.0.1']]
    const rebinding: Resolver = (host, then) => {
      seen.push(host)
      answers(...lists)(host, then)
    }
    const outbound = openOutbound(parseOutboundAllow([]), rebinding)
    // Judged before anything is resolved, it passes; the one resolution is that of the socket.
    expect(outbound.judge(`https://rebind.example:${port}/`).host).toBe(`rebind.example:${port}`)
    await expect(outbound.send({ url: `https://rebind.example:${port}/` })).rejects.toThrow(
      'not on the public internet',
    )
    expect(seen).toEqual(['rebind.example'])
    expect(asked).toBe(0)
  })

  it('a redirect to the inside, from a host that is let through, is not followed', async () => {
    let inside = 0
    const secret = await serve((_request, response) => {
      inside++
      response.end('secret')
    })
    const port = await serve((_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${secret}/` }).end()
    })
    const outbound = openOutbound(parseOutboundAllow(['localhost']))
    await expect(outbound.send({ url: `http://localhost:${port}/` })).rejects.toThrow('not followed')
    expect(inside).toBe(0)
  })

  it('plain http, other schemes and addresses with passwords are refused; hosts and networks that are let through are asked', async () => {
    for (const url of [
      'http://issuer.example/',
      'file:///etc/passwd',
      'gopher://issuer.example/',
      'nonsense',
      'https://a:b@issuer.example/',
    ]) {
      await expect(closed.send({ url }), url).rejects.toThrow()
    }
    const port = await serve((request, response) => response.end(`${request.method} ${request.url}`))
    for (const allow of [['localhost'], ['127.0.0.0/8', '::1']]) {
      const outbound = openOutbound(parseOutboundAllow(allow), answers(['127.0.0.1']))
      expect(await outbound.send({ url: `http://localhost:${port}/a?b` })).toEqual({ status: 200, body: 'GET /a?b' })
    }
    const byNetwork = openOutbound(parseOutboundAllow(['10.0.0.0/8']), answers(['140.82.112.3']))
    await expect(byNetwork.send({ url: 'http://issuer.example/' })).rejects.toThrow('Only https')
    expect(() => parseOutboundAllow(['10.0.0.0/99'])).toThrow('10.0.0.0/99')
  })

  it('a host that is let through by name does not open the metadata service, whatever its name leads to', async () => {
    const outbound = openOutbound(parseOutboundAllow(['ci.internal']), answers(['169.254.169.254']))
    await expect(outbound.send({ url: 'http://ci.internal/' })).rejects.toThrow('not on the public internet')
  })

  it('a server that never ends its answer costs neither memory nor a worker', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/slow') response.write('{')
      else for (let i = 0; i < 100; i++) response.write('x'.repeat(10_000))
    })
    const outbound = openOutbound(parseOutboundAllow(['localhost']))
    const url = `http://localhost:${port}`
    await expect(outbound.send({ url, sizeLimit: 50_000 })).rejects.toThrow('more than 50000 bytes')
    await expect(outbound.send({ url: `${url}/slow`, timeLimitMs: 200 })).rejects.toThrow('did not answer within')
  })
})
