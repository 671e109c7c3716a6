/**
 * The fence of a token: from which networks, and from when on, its value is taken; and its other limits, whose rules are those of
 * `domain/token-limits.ts`. Decided from the facts of the request alone. The client's address is
 * what the hub believes it to be behind the trusted proxies; an unknown one is outside of every fence.
 */
import { BlockList, isIP } from 'node:net'
import { HoldfastError } from '../domain/errors.ts'
import { noLimits, type TokenLimits } from '../domain/token-limits.ts'

export interface Fence extends TokenLimits {
  /** CIDR ranges and single addresses; empty for everywhere. */
  readonly networks: readonly string[]
  /** Milliseconds; null: since it was made. */
  readonly notBefore: number | null
}

export const noFence: Fence = { ...noLimits, networks: [], notBefore: null }

const mostNetworks = 50

/** As they are kept: trimmed, lower case, each once. Throws `invalid_input`. */
export function parseNetworks(entries: readonly string[]): string[] {
  const networks = [...new Set(entries.map((entry) => entry.trim().toLowerCase()).filter((entry) => entry !== ''))]
  if (networks.length > mostNetworks) throw wrong(`A token lists at most ${mostNetworks} networks.`)
  for (const network of networks) {
    const { family, bits } = partsOf(network)
    const most = family === 6 ? 128 : 32
    if (family === 0 || !Number.isInteger(bits) || bits < 0 || bits > most) {
      throw wrong(
        `"${network.slice(0, 50)}" is neither an address nor a network such as 10.20.0.0/16 or 2001:db8::/32.`,
      )
    }
    if (network.startsWith('::ffff:') && network.includes('.')) {
      throw wrong(`Write ${network.slice(0, 50)} as an IPv4 network.`)
    }
  }
  return networks
}

export function isInside(address: string | null, networks: readonly string[]): boolean {
  if (networks.length === 0) return true
  // Of a link-local address, without the interface that it came by.
  const [plain = ''] = (address ?? '').split('%')
  const family = isIP(plain)
  if (family === 0) return false
  const list = new BlockList()
  for (const network of networks) {
    const { base, bits, family: ofNetwork } = partsOf(network)
    list.addSubnet(base, bits, ofNetwork === 6 ? 'ipv6' : 'ipv4')
  }
  return list.check(plain, family === 6 ? 'ipv6' : 'ipv4')
}

/** True where whatever is inside `networks` is inside `outer`. */
export function areWithin(networks: readonly string[], outer: readonly string[]): boolean {
  if (outer.length === 0) return true
  if (networks.length === 0) return false
  return networks.every((network) => {
    const { base, bits, family } = partsOf(network)
    return outer.some((other) => {
      const parts = partsOf(other)
      return parts.family === family && parts.bits <= bits && isInside(base, [other])
    })
  })
}

function partsOf(network: string): { readonly base: string; readonly bits: number; readonly family: number } {
  const [base = '', bits, ...rest] = network.split('/')
  const family = rest.length > 0 || base.includes('%') ? 0 : isIP(base)
  if (bits === undefined) return { base, bits: family === 6 ? 128 : 32, family }
  return { base, bits: /^\d{1,3}$/.test(bits) ? Number(bits) : -1, family }
}

function wrong(reason: string): HoldfastError {
  return new HoldfastError('invalid_input', { reason, field: 'networks' })
}
