import NIOCore

/// A frame as it was read.
enum Frame: Hashable, Sendable {
    /// 1 byte to the limit.
    case payload([UInt8])
    /// Length zero: the sender writes no more.
    case farewell
}

/// The sender claims a frame of this many bytes. What follows cannot be understood: the connection is over.
struct OversizeFrame: Error, Hashable, Sendable {
    let size: Int
}

/// Cuts a stream of bytes into frames: 4 bytes of length, big-endian, then the payload.
///
/// Holds at most one incomplete frame and what one read from the socket brought. The length is checked before anything
/// is kept for it.
struct FrameDecoder {
    let limit: Int
    private var buffer = ByteBuffer()

    init(limit: Int) {
        self.limit = limit
    }

    /// Bytes read and not yet given out.
    var pending: Int { buffer.readableBytes }

    mutating func append(_ bytes: ByteBuffer) {
        var bytes = bytes
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.discardReadBytes()
            buffer.writeBuffer(&bytes)
        }
    }

    /// The next whole frame; nil when more bytes are needed.
    mutating func next() throws(OversizeFrame) -> Frame? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard length <= limit else { throw OversizeFrame(size: Int(length)) }
        guard buffer.readableBytes >= 4 + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: 4)
        guard length > 0 else { return .farewell }
        let payload = buffer.readBytes(length: Int(length)) ?? []
        return .payload(payload)
    }
}

enum FrameEncoder {
    /// The payload behind its length.
    static func encode(_ payload: [UInt8], into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt32(payload.count))
        buffer.writeBytes(payload)
    }

    static func farewell(into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt32(0))
    }
}
