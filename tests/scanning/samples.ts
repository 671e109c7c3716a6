/** Bytes that scanners find. EICAR is put together here, so that no scanner of source code finds it in this file. */
import { Buffer } from 'node:buffer'

export const eicar = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', '-STANDARD-ANTIVIRUS-', 'TEST-FILE!$H+H*'].join('')

/** A pickle that would run a command when it is loaded; nothing here loads it. */
export const maliciousPickle = Buffer.from('\x80\x04cos\nsystem\nX\x02\x00\x00\x00id\x85R.', 'latin1')

/** `{'a': 1}` */
export const honestPickle = Buffer.from('\x80\x04}X\x01\x00\x00\x00aK\x01s.', 'latin1')
