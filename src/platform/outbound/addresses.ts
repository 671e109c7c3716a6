/** Which addresses a request that somebody else named may reach: those of the public internet, and what the administrator lets through. */
import { BlockList, isIP } from 'node:net'

/** What `HOLDFAST_OUTBOUND_ALLOW` lists. */
export interface OutboundAllow {
  /** Lower case, without a port. */
  readonly hosts: ReadonlySet<string>
  readonly networks: BlockList
}

/** Everything that is not handed out for the public internet, as IANA's special-purpose registries have it. */
const closedIpv4 = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  closedIpv4.addSubnet(network, prefix, 'ipv4')
}

/** Of IPv6 only global unicast is open; these lie in it and are not, or carry an IPv4 address inside. */
const openIpv6 = new BlockList()
openIpv6.addSubnet('2000::', 3, 'ipv6')
const closedIpv6 = new BlockList()
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  closedIpv6.addSubnet(network, prefix, 'ipv6')
}

/** Throws an Error that names the entry which is neither a host name, an address nor a network. */
export function parseOutboundAllow(entries: readonly string[]): OutboundAllow {
  const hosts = new Set<string>()
  const networks = new BlockList()
  for (const entry of entries) {
    const [address = '', prefix, ...rest] = entry.split('/')
    const family = isIP(address)
    const most = family === 4 ? 32 : 128
    const bits = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1
    if (family !== 0 && rest.length === 0 && bits >= 0 && bits <= most) {
      networks.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
    } else if (family === 0 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(entry)) hosts.add(entry.toLowerCase())
    else throw new Error(`"${entry}" is neither a host name, an address nor a network such as 10.0.0.0/8`)
  }
  return { hosts, networks }
}

/** `address` is an IP address as text; an IPv4 address inside an IPv6 one (`::ffff:10.0.0.1`) counts as what it is. */
export function isPublicAddress(address: string): boolean {
  const plain = withoutMapping(address)
  const family = isIP(plain)
  if (family === 4) return !closedIpv4.check(plain, 'ipv4')
  return family === 6 && openIpv6.check(plain, 'ipv6') && !closedIpv6.check(plain, 'ipv6')
}

export function isAllowedNetwork(allow: OutboundAllow, address: string): boolean {
  const plain = withoutMapping(address)
  const family = isIP(plain)
  return family !== 0 && allow.networks.check(plain, family === 4 ? 'ipv4' : 'ipv6')
}

/** Neighbours on the wire and the metadata services of clouds: a host let through by its name does not open them, its network does. */
export function isLinkLocal(address: string): boolean {
  const plain = withoutMapping(address).toLowerCase()
  return plain.startsWith('169.254.') || /^fe[89ab]/.test(plain) || plain === 'fd00:ec2::254'
}

function withoutMapping(address: string): string {
  const dotted = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (dotted !== undefined) return dotted
  const hex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address)
  if (hex === null) return address
  const [high, low] = [Number.parseInt(hex[1] ?? '', 16), Number.parseInt(hex[2] ?? '', 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
