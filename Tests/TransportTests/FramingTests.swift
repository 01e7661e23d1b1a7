import Automata
import Foundation
import NIOCore
import Testing

@testable import Transport

@Suite("framing")
struct FramingTests {
    /// All frames of a stream that is handed over in the given pieces; nil at the end for an oversize one.
    private func decode(_ pieces: [[UInt8]], limit: Int = 64) -> [Frame?] {
        var decoder = FrameDecoder(limit: limit)
        var frames: [Frame?] = []
        for piece in pieces {
            decoder.append(ByteBuffer(bytes: piece))
            do throws(OversizeFrame) {
                while let frame = try decoder.next() { frames.append(frame) }
            } catch {
                return frames + [nil]
            }
            if decoder.pending > limit + 4 + piece.count { Issue.record("\(decoder.pending) bytes are kept") }
        }
        return frames
    }

    private func encode(_ frames: [Frame]) -> [UInt8] {
        var buffer = ByteBuffer()
        for frame in frames {
            switch frame {
            case .payload(let payload): FrameEncoder.encode(payload, into: &buffer)
            case .farewell: FrameEncoder.farewell(into: &buffer)
            }
        }
        return Array(buffer.readableBytesView)
    }

    @Test("a frame is four bytes of length, most significant first, then the payload; length zero is the farewell")
    func layout() {
        #expect(encode([.payload([0xaa, 0xbb]), .farewell]) == [0, 0, 0, 2, 0xaa, 0xbb, 0, 0, 0, 0])
        #expect(decode([[0, 0, 0, 2, 0xaa, 0xbb, 0, 0, 0, 0]]) == [.payload([0xaa, 0xbb]), .farewell])
    }

    @Test("frames come out the same however the stream is cut")
    func cuts() {
        let frames: [Frame] = [.payload([1]), .payload(Array(repeating: 7, count: 64)), .farewell, .payload([2, 3])]
        let stream = encode(frames)
        for size in 1...stream.count {
            let pieces = stride(from: 0, to: stream.count, by: size).map {
                Array(stream[$0..<min($0 + size, stream.count)])
            }
            #expect(decode(pieces) == frames, "pieces of \(size) bytes")
        }
    }

    @Test("one byte above the limit is refused when the length is read, before anything is kept")
    func oversize() {
        #expect(decode([[0, 0, 0, 65]]) == [nil])
        #expect(decode([[0xff, 0xff, 0xff, 0xff]]) == [nil])
        #expect(decode([[0, 0, 0, 1, 9, 0x80, 0, 0, 0]]) == [.payload([9]), nil])
    }

    /// The twin: reads the same bytes all at once, with plain arrays.
    private func naive(_ stream: [UInt8], limit: Int) -> [Frame?] {
        var rest = stream[...]
        var frames: [Frame?] = []
        while rest.count >= 4 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard length <= limit else { return frames + [nil] }
            guard rest.count >= 4 + length else { return frames }
            rest = rest.dropFirst(4)
            frames.append(length == 0 ? .farewell : .payload(Array(rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
        return frames
    }

    @Test(
        "25,000 mutated streams a seed are read like the naive reader does, and none traps",
        arguments: [1 as UInt64, 2, 3, 4, 5])
    func fuzz(seed: UInt64) {
        var random = SeededRandom.stream(seed: seed, "framing")
        for round in 0..<25_000 {
            var frames: [Frame] = []
            for _ in 0..<random.below(4) {
                let size = random.below(20)
                frames.append(size == 0 ? .farewell : .payload((0..<size).map { _ in UInt8(random.below(256)) }))
            }
            var stream = encode(frames)
            for _ in 0..<random.below(4) where !stream.isEmpty {
                let place = random.below(stream.count)
                switch random.below(4) {
                case 0: stream[place] = UInt8(random.below(256))
                case 1: stream.remove(at: place)
                case 2: stream.insert(UInt8(random.below(256)), at: place)
                default: stream.removeLast(stream.count - place)
                }
            }
            var pieces: [[UInt8]] = []
            var rest = stream[...]
            while !rest.isEmpty {
                let count = 1 + random.below(rest.count)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let (actual, expected) = (decode(pieces, limit: 24), naive(stream, limit: 24))
            if actual != expected {
                Issue.record("seed \(seed), round \(round): \(stream) gave \(actual), not \(expected)")
                return
            }
        }
    }

    @Test("20,000 mutated greetings a seed are read or refused, and none traps", arguments: [1 as UInt64, 2])
    func fuzzGreeting(seed: UInt64) {
        var random = SeededRandom.stream(seed: seed, "greeting")
        let original = vectorGreeting.encoded()
        for _ in 0..<20_000 {
            var bytes = original
            for _ in 0...random.below(3) {
                bytes[random.below(bytes.count)] = UInt8(random.below(256))
            }
            if random.chance(perMille: 200) { bytes.removeLast(random.below(bytes.count)) }
            do throws(RejectionReason) {
                let greeting = try Greeting(payload: bytes)
                #expect(greeting.versions.upperBound >= 1 && greeting.software.utf8.count <= 3 * 128)
                _ = try greeting.agree(with: vectorGreeting, tolerance: .seconds(300))
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
    }
}

private let vectorGreeting = Greeting(
    versions: 1...3, fabric: "lab", software: "palmier 0.1.0", clock: Instant(milliseconds: 1_760_000_000_123),
    incarnation: Incarnation(42))

@Suite("wire vectors")
struct VectorTests {
    /// `Specs/wire/vectors/NAME.hex`: hexadecimal digits, white space and comments after `#` ignored.
    private func vector(_ name: String) throws -> [UInt8] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appendingPathComponent("Specs/wire/vectors/\(name).hex"), encoding: .utf8)
        let digits = text.split(separator: "\n").map { $0.prefix { $0 != "#" } }.joined().filter { !$0.isWhitespace }
        return try #require([UInt8](hexadecimal: digits))
    }

    private func payload(of stream: [UInt8]) throws -> [UInt8] {
        var decoder = FrameDecoder(limit: 1 << 20)
        decoder.append(ByteBuffer(bytes: stream))
        guard case .payload(let payload)? = try decoder.next() else { throw FixtureError(description: "no payload") }
        return payload
    }

    @Test("a Hello in its frame is these bytes")
    func hello() throws {
        var buffer = ByteBuffer()
        FrameEncoder.encode(vectorGreeting.encoded(), into: &buffer)
        #expect(Array(buffer.readableBytesView).hexadecimal == (try vector("hello").hexadecimal))
        #expect(try Greeting(payload: payload(of: vector("hello"))) == vectorGreeting)
    }

    @Test("a Hello of a later version, with fields that are not known here, is understood")
    func unknownFields() throws {
        #expect(try Greeting(payload: payload(of: vector("hello-unknown-fields"))) == vectorGreeting)
    }

    @Test("payload, farewell: these bytes")
    func stream() throws {
        var decoder = FrameDecoder(limit: 1 << 20)
        decoder.append(ByteBuffer(bytes: try vector("frames")))
        #expect(try decoder.next() == .payload(Array("palmier".utf8)))
        #expect(try decoder.next() == .payload([0]))
        #expect(try decoder.next() == .farewell)
        #expect(try decoder.next() == nil)
    }
}
