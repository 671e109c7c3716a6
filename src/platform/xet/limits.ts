/** The sizes that the formats allow. A parser checks them before it reads, allocates or decodes anything. */

/** Raw bytes of one chunk. Small chunks are never refused: the chunker of the JS client cuts early. */
export const mostChunkBytes = 128 * 1024
/** Stored bytes of one chunk: twice the raw limit in the reference. */
export const mostStoredChunkBytes = 256 * 1024
export const chunkHeaderBytes = 8
export const mostXorbChunks = 8192
/** Where we and the Python client cut a xorb. */
export const xorbCutBytes = 64 * 1024 * 1024
/** The JS client cuts by stored bytes and by chunks only: where they compress, a xorb of it holds more than 64 MiB. */
export const mostXorbRawBytes = mostXorbChunks * mostChunkBytes
/** The clients cut a xorb by its raw size, so one of incompressible chunks is larger by its headers. */
export const mostXorbBytes = xorbCutBytes + mostXorbChunks * chunkHeaderBytes
/** A footer of an old client lists every chunk (40 bytes); it is dropped, but not read without end. */
export const mostFooterBytes = mostXorbChunks * 40 + 4096
export const mostShardBytes = 64 * 1024 * 1024
